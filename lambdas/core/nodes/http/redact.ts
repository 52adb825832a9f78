// Removes the credentials of a request from the server's response: the result of a node is stored unencrypted, and
// everyone who may run the flow can read it.

import type { Json } from '../../json.ts';
import { makeRedaction, type Redaction } from '../../outbound/redact.ts';
import type { HttpAnswer, HttpRequest } from '../../ports/http.ts';
import type { Outcome } from '../node-kind.ts';

// Shorter values are not secrets, and would match by chance.
const MIN_ECHO_CHARS = 6;

/** Includes the encoded `user:password` of Basic, which contains neither part in readable form. */
function buildRedaction(secrets: readonly string[], { headers = {} }: HttpRequest): Redaction {
  const [, basic] = /^Basic (\S+)$/.exec(headers['authorization'] ?? '') ?? [];
  return makeRedaction(basic !== undefined && secrets.length > 0 ? [...secrets, basic] : secrets);
}

function cleanDeep(value: Json, clean: Redaction['clean']): Json {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleanDeep(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), cleanDeep(item, clean)]));
}

/** A quick check first: most responses contain no secret, and a body may be large. */
function isQuoting(answer: HttpAnswer, { forms }: Redaction): boolean {
  const headers = JSON.stringify(answer.headers);
  const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength);
  return forms.some((form) => headers.includes(form) || body.includes(form));
}

export interface Redactor {
  text: Redaction['clean'];
  outcome(outcome: Outcome, answer?: HttpAnswer): Outcome;
}

export function makeRedactor(secrets: Readonly<Record<string, string>>, request: HttpRequest): Redactor {
  const values = Object.values(secrets).filter((secret) => secret !== '');
  const { clean: text } = buildRedaction(values, request);
  const long = values.filter(({ length }) => length >= MIN_ECHO_CHARS);
  const echoes = buildRedaction(long, request);
  return {
    text,
    outcome(outcome, answer) {
      if (outcome.kind === 'done' && answer && isQuoting(answer, echoes)) {
        return { ...outcome, result: cleanDeep(outcome.result, echoes.clean) };
      }
      if (outcome.kind !== 'failed') return outcome;
      const details = outcome.details?.map((detail) => ({ ...detail, message: text(detail.message) }));
      return { ...outcome, message: text(outcome.message), details };
    },
  };
}
