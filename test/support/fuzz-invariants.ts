// What holds for every answer, for any call: no failure of the platform, and the error format of the dialect that was called.

import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import type { FuzzedCall } from './fuzzed-calls.ts';

interface Answered {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  text: string;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Where no route takes the call, the native dialect answers; where only the method is wrong, that of the path. What the
 * gateway refuses itself, without the function that would name the request, is native too.
 */
function isEnvelope(call: FuzzedCall, headers: Answered['headers'], body: unknown): boolean {
  const isNativeRight = !call.route || headers['x-request-id'] === undefined;
  const candidates = DIALECTS.filter(({ name }) => name === call.dialect || (isNativeRight && name === 'native'));
  const asked = call.route || call.fromCase ? candidates : DIALECTS;
  return asked.some(({ errorSchema }) => errorSchema.safeParse(body).success);
}

const routes = new Map(DIALECTS.flatMap((dialect) => dialect.routes.map((route) => [route.id, route])));

function findSuccessViolations({ route, dialect }: FuzzedCall, { status, headers, text }: Answered): string[] {
  if (headers['content-type']?.startsWith('text/event-stream')) return [];
  const schema = routes.get(route ?? '')?.answers[status]?.schema;
  if (status === 204 || text === '') return text === '' ? [] : ['204 has a body'];
  const body = parseJson(text);
  if (body === undefined) return ['the answer is not JSON'];
  if (dialect !== 'native' || !schema) return [];
  const fits = schema.safeParse(body);
  return fits.success ? [] : [`the answer is not as documented: ${fits.error.message}`];
}

/** What is wrong with an answer; empty where it is right. */
export function findViolations(call: FuzzedCall, answer: Answered): string[] {
  const { status, headers, text } = answer;
  const wrong = status >= 500 || status < 200 ? [`status ${status}`] : [];
  if (headers['x-content-type-options'] !== 'nosniff') wrong.push('nosniff is missing');
  if (headers['cache-control'] === undefined) wrong.push('cache-control is missing');
  if (/\bat \S+ \(|node_modules|\.ts:\d+/.test(text)) wrong.push('it contains a stack trace');
  if (call.method.toUpperCase() === 'HEAD') return text === '' ? wrong : [...wrong, 'HEAD has a body'];
  if (status < 400) return [...wrong, ...findSuccessViolations(call, answer)];
  return isEnvelope(call, headers, parseJson(text)) ? wrong : [...wrong, 'the error has the wrong format'];
}
