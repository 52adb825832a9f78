// The request part of http and callback nodes: its fields, and how they become one HttpRequest with its credentials.

import * as z from 'zod';
import { anyValue, byteSize, ID, orExpression } from '../../flow/fields.ts';
import type { Json } from '../../json.ts';
import { MAX_HTTP_BODY_BYTES } from '../../limits.ts';
import type { HttpRequest } from '../../ports/http.ts';
import { asWritten } from '../node-input.ts';
import type { NodeContext } from '../node-kind.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];
const DEFAULT_REDIRECTS = 5;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const secret = z.string().regex(ID).meta({ description: 'Name of a secret that the flow declares under `secrets`' });

const auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bearer'), secret }),
  /** Without `user` the secret holds `user:password`. */
  z.strictObject({ type: z.literal('basic'), user: z.string().optional(), secret }),
  z.strictObject({ type: z.literal('header'), header: z.string().min(1), secret }),
]);

/** A status (`404`), a range (`200-299`) or a class (`2xx`). */
const expected = z.union([z.int().min(100).max(599), z.string().regex(/^([1-5]\d\d-[1-5]\d\d|[1-5]xx)$/)]);

export const REQUEST_FIELDS = {
  url: z.string().min(1),
  method: z.enum(METHODS).optional(),
  query: z.record(z.string(), z.union([scalar, z.array(scalar)])).optional(),
  headers: z.record(z.string(), scalar).optional(),
  body: anyValue.optional(),
  /** Default: text for a string, json for anything else. `file` sends the bytes of the file that `body` refers to. */
  bodyType: z.enum(['json', 'form', 'text', 'file']).optional(),
  auth: auth.optional(),
  expect: z.union([expected, z.array(expected).min(1)]).optional(),
  redirects: z.int().min(0).max(20).optional(),
  maxBytes: z.int().min(1).max(MAX_HTTP_BODY_BYTES).optional(),
};

/** Fields that an author writes differently: a size has a unit, and data must not choose which secret is used. */
export const REQUEST_AS_WRITTEN = {
  auth: auth.optional(),
  maxBytes: orExpression(
    z.union([REQUEST_FIELDS.maxBytes.unwrap(), byteSize({ maxBytes: MAX_HTTP_BODY_BYTES })]),
  ).optional(),
};

const requestSchema = z.strictObject(REQUEST_FIELDS);
export type RequestInput = z.infer<typeof requestSchema>;
export { requestSchema };
export const writtenRequest = asWritten(REQUEST_FIELDS, REQUEST_AS_WRITTEN);

export const findSecretNames = (source: { auth?: { secret?: string } }): string[] =>
  source.auth?.secret ? [source.auth.secret] : [];

function buildAuthorization(
  declared: NonNullable<RequestInput['auth']>,
  secrets: Record<string, string>,
): [string, string] {
  const value = secrets[declared.secret] ?? '';
  if (declared.type === 'header') return [declared.header, value];
  if (declared.type === 'bearer') return ['authorization', `Bearer ${value}`];
  const credentials = declared.user === undefined ? value : `${declared.user}:${value}`;
  return ['authorization', `Basic ${Buffer.from(credentials).toString('base64')}`];
}

const toTexts = (values: Json[]): string[] => values.filter((value) => value !== null).map(String);

function toPairs(record: Record<string, Json>): [string, string][] {
  return Object.entries(record).flatMap(([name, value]) =>
    toTexts(Array.isArray(value) ? value : [value]).map((text): [string, string] => [name, text]),
  );
}

function encodeBody({ body, bodyType }: RequestInput): { type: string; text: string } | undefined {
  if (body === undefined || body === null) return undefined;
  if (bodyType === 'form' && typeof body === 'object' && !Array.isArray(body)) {
    return { type: 'application/x-www-form-urlencoded', text: String(new URLSearchParams(toPairs(body))) };
  }
  if (typeof body === 'string' && bodyType === 'form') return { type: 'application/x-www-form-urlencoded', text: body };
  if (typeof body === 'string' && bodyType !== 'json') return { type: 'text/plain; charset=utf-8', text: body };
  const type = bodyType === 'text' ? 'text/plain; charset=utf-8' : 'application/json';
  return { type, text: JSON.stringify(body) };
}

function buildUrl(input: RequestInput): string {
  if (input.query === undefined || !URL.canParse(input.url)) return input.url;
  const url = new URL(input.url);
  for (const [name, value] of toPairs(input.query)) url.searchParams.append(name, value);
  return url.href;
}

/** The author's own headers replace our defaults. The client checks whether the address may be called. */
export function composeRequest(context: NodeContext, input: RequestInput, timeoutMs: number): HttpRequest {
  const method = input.method ?? 'GET';
  const body = encodeBody(input);
  const headers: Record<string, string> = {};
  if (body) headers['content-type'] = body.type;
  if (!SAFE_METHODS.includes(method)) headers['idempotency-key'] = context.idempotencyKey;
  for (const [name, value] of toPairs(input.headers ?? {})) headers[name.toLowerCase()] = value;
  if (input.auth) {
    const [name, value] = buildAuthorization(input.auth, context.secrets);
    headers[name.toLowerCase()] = value;
  }
  return {
    url: buildUrl(input),
    method,
    headers,
    ...(body && { body: body.text }),
    timeoutMs,
    maxBytes: input.maxBytes ?? MAX_HTTP_BODY_BYTES,
    redirects: input.redirects ?? DEFAULT_REDIRECTS,
    signal: context.signal,
  };
}
