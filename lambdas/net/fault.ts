// What went wrong on the wire, in the vocabulary of HttpFault. Sentences name the host alone: paths and queries hold secrets.

import { ApiError } from '../core/errors.ts';
import { HttpFault, type HttpFaultReason } from '../core/ports/http.ts';

const CONNECT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
]);
const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN']);
const TLS = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/;

const SENTENCES = {
  timeout: 'gave no complete answer in time',
  aborted: 'was not waited for',
  dns: 'could not be resolved',
  connect: 'could not be reached',
  tls: 'could not be trusted',
  protocol: 'gave an answer that is not valid HTTP',
  'too-large': 'sent headers beyond all measure',
} as const satisfies Record<HttpFaultReason, string>;

function reasonOf(code: string, answered: boolean): HttpFaultReason {
  if (code === 'HPE_HEADER_OVERFLOW') return 'too-large';
  if (answered) return 'protocol';
  if (DNS.has(code)) return 'dns';
  if (CONNECT.has(code)) return 'connect';
  return TLS.test(code) ? 'tls' : 'protocol';
}

/** `answered`: the head of an answer had come. Verdicts of the guard pass through. */
export function toHttpFault(error: unknown, url: URL, answered: boolean): Error {
  if (error instanceof ApiError || error instanceof HttpFault) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const reason = reasonOf(code, answered);
  const sentence = answered && reason === 'protocol' ? 'broke off its answer' : SENTENCES[reason];
  return new HttpFault(reason, `${url.host} ${sentence}${code && ` (${code})`}`, error);
}
