// What went wrong on the wire, as HttpFault. Messages name the host alone: paths and queries contain secrets.

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

const MESSAGES = {
  timeout: 'sent no complete answer in time',
  aborted: 'was aborted',
  dns: 'could not be resolved',
  connect: 'could not be reached',
  tls: 'has a certificate that is not trusted',
  protocol: 'sent an answer that is not valid HTTP',
  'too-large': 'sent headers that are too large',
} as const satisfies Record<HttpFaultReason, string>;

function findReason(code: string, answered: boolean): HttpFaultReason {
  if (code === 'HPE_HEADER_OVERFLOW') return 'too-large';
  if (answered) return 'protocol';
  if (DNS.has(code)) return 'dns';
  if (CONNECT.has(code)) return 'connect';
  return TLS.test(code) ? 'tls' : 'protocol';
}

/** `answered`: the head of an answer had come. Errors of the guard pass through. */
export function toHttpFault(error: unknown, url: URL, answered: boolean): Error {
  if (error instanceof ApiError || error instanceof HttpFault) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const reason = findReason(code, answered);
  const message = answered && reason === 'protocol' ? 'ended its answer too early' : MESSAGES[reason];
  return new HttpFault(reason, `${url.host} ${message}${code && ` (${code})`}`, error);
}
