// Takes the credentials of a request out of what its server says, refusing or not: what a node gives is stored in clear,
// and shown to whoever may run the flow.

import type { Json } from '../../json.ts';
import { type Redaction, redaction } from '../../outbound/redact.ts';
import type { HttpAnswer, HttpRequest } from '../../ports/http.ts';
import type { Outcome } from '../node-kind.ts';

// Shorter ones are no secrets, and would be found in anything.
const MIN_ECHO_CHARS = 6;

/** With `user:password` of Basic, which is neither of them once it is encoded. */
function redactionOf(secrets: readonly string[], { headers = {} }: HttpRequest): Redaction {
  const [, basic] = /^Basic (\S+)$/.exec(headers['authorization'] ?? '') ?? [];
  return redaction(basic !== undefined && secrets.length > 0 ? [...secrets, basic] : secrets);
}

function cleanDeep(value: Json, clean: Redaction['clean']): Json {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleanDeep(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), cleanDeep(item, clean)]));
}

/** Most answers quote nothing, and a body may be large. */
function isQuoting(answer: HttpAnswer, { forms }: Redaction): boolean {
  const headers = JSON.stringify(answer.headers);
  const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength);
  return forms.some((form) => headers.includes(form) || body.includes(form));
}

export interface Redactor {
  text: Redaction['clean'];
  outcome(outcome: Outcome, answer?: HttpAnswer): Outcome;
}

export function redactor(secrets: Readonly<Record<string, string>>, request: HttpRequest): Redactor {
  const given = Object.values(secrets).filter((secret) => secret !== '');
  const { clean: text } = redactionOf(given, request);
  const long = given.filter(({ length }) => length >= MIN_ECHO_CHARS);
  const echoes = redactionOf(long, request);
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
