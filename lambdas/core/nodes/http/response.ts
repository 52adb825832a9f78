// What an HTTP response means to a node: expected or not, and its body as data. Failures never contain a secret.

import type { Json, JsonObject } from '../../json.ts';
import { MAX_JSON_DEPTH } from '../../limits.ts';
import { parseKeepingNumbers } from '../../parse/exact-json.ts';
import type { HttpAnswer } from '../../ports/http.ts';
import type { RequestInput } from './request.ts';
import { UnreadableResponse } from './unreadable-response.ts';

export type Parse = 'auto' | 'json' | 'text' | 'feed' | 'file';

export function isExpected(status: number, expect: RequestInput['expect'] = '2xx'): boolean {
  return [expect].flat().some((entry) => {
    if (typeof entry === 'number') return entry === status;
    if (entry.endsWith('xx')) return entry[0] === String(status)[0];
    const [from, to] = entry.split('-').map(Number);
    return status >= (from ?? 0) && status <= (to ?? 0);
  });
}

// https://www.rfc-editor.org/rfc/rfc9110#section-15: these statuses are temporary.
export const isRetryableStatus = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

const readMediaType = (answer: HttpAnswer): string =>
  (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** The body as text: the charset of the header, else of an XML declaration, else UTF-8. */
export function readText(answer: HttpAnswer): string {
  const declared = /charset="?([\w-]{1,40})/i.exec(answer.headers['content-type'] ?? '')?.[1];
  const prolog = Buffer.from(answer.body.subarray(0, 200)).toString('latin1');
  const label = declared ?? /^<\?xml[^>]*encoding=["']([\w-]{1,40})/.exec(prolog)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).decode(answer.body);
  } catch {
    return new TextDecoder().decode(answer.body);
  }
}

function isDeeper(value: Json, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function parseJson(answer: HttpAnswer): Json {
  const text = readText(answer);
  if (text.trim() === '') return null;
  let value: Json;
  try {
    value = parseKeepingNumbers(text);
  } catch {
    throw new UnreadableResponse('its body is not valid JSON');
  }
  if (isDeeper(value, MAX_JSON_DEPTH)) throw new UnreadableResponse(`its JSON is nested deeper than ${MAX_JSON_DEPTH}`);
  return value;
}

function detectParse(type: string): Parse | 'binary' {
  if (/^application\/(rss|atom|rdf)\+xml$/.test(type)) return 'feed';
  if (/^application\/([\w.-]+\+)?json$/.test(type)) return 'json';
  const isText = type === '' || /^text\/|[/+]xml$|javascript$|x-www-form-urlencoded$|yaml$/.test(type);
  return isText ? 'text' : 'binary';
}

/** `{ body }`, and `items` for a feed. Bytes that are not text become base64. Throws UnreadableResponse. */
export async function readBody(answer: HttpAnswer, parse: Exclude<Parse, 'file'>, url: string): Promise<JsonObject> {
  const as = parse === 'auto' ? detectParse(readMediaType(answer)) : parse;
  if (as === 'json') return { body: parseJson(answer) };
  if (as === 'text') return { body: readText(answer) };
  if (as === 'binary') return { body: Buffer.from(answer.body).toString('base64') };
  const { parseFeed } = await import('./feed.ts');
  const { items, ...feed } = await parseFeed(readText(answer), url);
  return { body: feed, items };
}
