// What a dialect is: one vendor's wire in front of our runs, as routes, a way to authenticate and an error table.
// Routing, reading bodies and writing answers belong to lambdas/http; what a call does belongs to the core.

import * as z from 'zod';
import type { Caller } from '../access/caller.ts';
import type { Reply } from '../api/reply.ts';
import { ApiError, type ErrorCode } from '../errors.ts';
import type { Json } from '../json.ts';
import type { Key, Scope, Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import type { DialectName } from '../run.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as it came, before anything of it is believed. */
export interface ApiRequest {
  /** Named in the answer and in every log line about the request. */
  id: string;
  /** Epoch milliseconds. */
  receivedAt: number;
  method: string;
  /** Relative to the origin, repeated slashes collapsed, still percent-encoded. */
  path: string;
  /** Base URL under which the caller reached us, without a trailing slash. */
  origin: string;
  /** Lower-case names; a repeated header is joined with ', '. */
  headers: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The exact bytes: signatures are verified over these. */
  body: Uint8Array;
}

/** What a handler gets: everything checked against the schemas of its route. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  request: ApiRequest;
  caller: Caller;
  params: Params;
  query: Query;
  body: Body;
}

/** `json` is parsed and checked; `text` and `bytes` are handed over as they came. */
export type BodySpec =
  | { kind: 'json'; schema: z.ZodType; optional?: boolean; examples?: Record<string, Json>; maxBytes?: number }
  | { kind: 'text'; mediaTypes: readonly string[]; description: string; example: string; maxBytes?: number }
  | { kind: 'bytes'; mediaTypes: readonly string[]; description: string; maxBytes?: number };

export interface AnswerSpec {
  description: string;
  /** Absent where there is no body. */
  schema?: z.ZodType;
  mediaType?: string;
  headers?: Record<string, string>;
}

/** One call of a dialect: what validates it also documents it. */
export interface Route {
  /** Names the call in the documentation, and in clients that are generated from it. */
  id: string;
  method: Method;
  /** `/v1/flows/{name}/draft`: a parameter takes one whole segment. */
  path: string;
  /** The scope that the key must have; `anyone` needs no key, and its handler must not look at the caller. */
  access: Scope | 'anyone';
  /** Its handler keeps a key that is bound to a flow to that flow. Else a call that needs a scope is refused to such keys. */
  keepsToFlow?: true;
  tag: string;
  summary: string;
  description?: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Request headers worth documenting, with their meaning. */
  headers?: Record<string, string>;
  body?: BodySpec;
  answers: Record<number, AnswerSpec>;
  /** Codes of this call beyond those that any call may answer. */
  errors: readonly ErrorCode[];
  handle(call: Call, ports: Ports): Promise<Reply>;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type BodyOf<Body> = Body extends { kind: 'json'; schema: infer Schema }
  ? Output<Schema>
  : Body extends { kind: 'text' }
    ? string
    : Body extends { kind: 'bytes' }
      ? Uint8Array
      : undefined;

/** A route whose handler is typed by its schemas. */
export function route<
  const Params extends z.ZodObject | undefined = undefined,
  const Query extends z.ZodObject | undefined = undefined,
  const Body extends BodySpec | undefined = undefined,
>(
  spec: Omit<Route, 'params' | 'query' | 'body' | 'handle'> & {
    params?: Params;
    query?: Query;
    body?: Body;
    handle(call: Call<Output<Params>, Output<Query>, BodyOf<Body>>, ports: Ports): Promise<Reply>;
  },
): Route {
  return spec as Route;
}

const documented = new WeakMap<object, z.ZodType>();

/** A field that the core judges, with error codes of its own: `schema` is only what the documentation shows for it. */
export function judgedByCore(schema: z.ZodType): z.ZodUnknown {
  const judged = z.unknown();
  documented.set(judged, schema);
  return judged;
}

export const documentedAs = (schema: object): z.ZodType | undefined => documented.get(schema);

/** How a vendor says one of our error codes. */
export interface VendorError {
  status: number;
  code: string | number;
}

/** The key of `Authorization: Bearer <key>`. */
export const readBearer = ({ headers }: Pick<ApiRequest, 'headers'>): string | undefined =>
  /^bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1];

export interface Principal {
  tenant: Tenant;
  key: Key;
}

export interface Dialect {
  name: DialectName;
  routes: readonly Route[];
  /** Finds out who calls, or throws `unauthenticated`. A vendor's signature is verified over `request.body`. */
  authenticate(request: ApiRequest, ports: Ports): Promise<Principal>;
  errors: Record<ErrorCode, VendorError>;
  /** What `error` puts into the body. */
  errorSchema: z.ZodType;
  /** The vendor's envelope. HTTP's own headers (WWW-Authenticate, Retry-After) are added for every dialect alike. */
  error(error: ApiError, request: Pick<ApiRequest, 'id' | 'path' | 'body'>): Reply;
}

export const json = (status: number, value: unknown, headers?: Record<string, string>): Reply => ({
  status,
  body: { json: value },
  headers,
});

/** The error in the words of a dialect that calls our fields otherwise: `inputs.topic` becomes `input.topic`. */
export function renderErrorIn(error: ApiError, words: Record<string, string>): ApiError {
  const said = (text: string) =>
    Object.entries(words).reduce(
      (it, [ours, theirs]) => it.replaceAll(new RegExp(`\\b${ours}(?=[.[]|\\b)`, 'g'), theirs),
      text,
    );
  return new ApiError(error.code, said(error.message), {
    ...(error.details && {
      details: error.details.map((it) => ({
        ...it,
        ...(it.field && { field: said(it.field) }),
        message: said(it.message),
      })),
    }),
    retryAfterSeconds: error.retryAfterSeconds,
    cause: error,
  });
}
