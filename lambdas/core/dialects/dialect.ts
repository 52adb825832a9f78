// What a dialect is: the API of one vendor in front of our runs. Every folder has the same files: `dialect`, `routes`,
// `authenticate`, `errors`, `input` (requests), `render` (responses) and `events` (streams and webhooks). Routing, reading
// bodies and writing responses belong to lambdas/http; what a call does belongs to the other folders of the core.

import * as z from 'zod';
import type { Caller } from '../access/caller.ts';
import type { Reply } from '../api/reply.ts';
import { ApiError, type ErrorCode } from '../errors.ts';
import type { Json } from '../json.ts';
import type { Key, Scope, Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import type { DialectName } from '../run.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as received: nothing of it is checked yet. */
export interface ApiRequest {
  /** Part of the response and of every log line about the request. */
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

/** `json` is parsed and checked; `text` and `bytes` are passed on unchanged. */
export type BodySpec =
  | { kind: 'json'; schema: z.ZodType; optional?: boolean; examples?: Record<string, Json>; maxBytes?: number }
  | { kind: 'text'; mediaTypes: readonly string[]; description: string; example: string; maxBytes?: number }
  | { kind: 'bytes'; mediaTypes: readonly string[]; description: string; maxBytes?: number };

export interface ResponseSpec {
  description: string;
  /** Absent where there is no body. */
  schema?: z.ZodType;
  mediaType?: string;
  headers?: Record<string, string>;
}

/** One call of a dialect: what validates it also documents it. */
export interface Route {
  /** The operation id in the documentation, and so the method name in generated clients. */
  id: string;
  method: Method;
  /** `/v1/flows/{name}/draft`: a parameter takes one whole segment. */
  path: string;
  /** The scope that the key must have; `anyone` needs no key, and its handler must not look at the caller. */
  access: Scope | 'anyone';
  /** Its handler checks keys that are bound to a flow. Without it, such keys may not make calls that need a scope. */
  keepsToFlow?: true;
  tag: string;
  summary: string;
  description?: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Request headers worth documenting, with their meaning. */
  headers?: Record<string, string>;
  body?: BodySpec;
  answers: Record<number, ResponseSpec>;
  /** Codes of this call, beside those that every call can return. */
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

/** A field that the core checks, with its own error codes: `schema` is only for the documentation. */
export function leaveToCore(schema: z.ZodType): z.ZodUnknown {
  const unchecked = z.unknown();
  documented.set(unchecked, schema);
  return unchecked;
}

export const readDocumented = (schema: object): z.ZodType | undefined => documented.get(schema);

/** One of our error codes as a vendor has it. */
export interface VendorError {
  status: number;
  code: string | number;
}

/** The key of `Authorization: Bearer <key>`. */
export const readBearer = ({ headers }: Pick<ApiRequest, 'headers'>): string | undefined =>
  /^bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1];

export function requireBearer(request: Pick<ApiRequest, 'headers'>): string {
  const key = readBearer(request);
  if (key !== undefined) return key;
  throw new ApiError('unauthenticated', 'Send your key as: Authorization: Bearer <key>');
}

export interface Principal {
  tenant: Tenant;
  key: Key;
}

/** There are routes with the path, and none with the method. */
export class MethodNotOffered extends ApiError {
  constructor(message: string) {
    super('invalid-request', message);
  }
}

export interface Dialect {
  name: DialectName;
  routes: readonly Route[];
  /** Whether a request for which there is no route comes from a client of the vendor, who reads the vendor's errors. */
  isOwnClient?(request: Pick<ApiRequest, 'headers' | 'path'>): boolean;
  /** Finds the caller, or throws `unauthenticated`. A vendor's signature is verified over `request.body`. */
  authenticate(request: ApiRequest, ports: Ports): Promise<Principal>;
  errors: Record<ErrorCode, VendorError>;
  /** The body that `renderError` makes. */
  errorSchema: z.ZodType;
  /** The vendor's envelope. HTTP's own headers (WWW-Authenticate, Retry-After) are added for every dialect. */
  renderError(error: ApiError, request: Pick<ApiRequest, 'id' | 'path' | 'body'>): Reply;
}

export const json = (status: number, value: unknown, headers?: Record<string, string>): Reply => ({
  status,
  body: { json: value },
  headers,
});

/** The error with the field names of a dialect in place of ours: `inputs.topic` becomes `input.topic`. */
export function renameFields(error: ApiError, names: Record<string, string>): ApiError {
  const rename = (text: string) =>
    Object.entries(names).reduce(
      (it, [ours, theirs]) => it.replaceAll(new RegExp(`\\b${ours}(?=[.[]|\\b)`, 'g'), theirs),
      text,
    );
  return new ApiError(error.code, rename(error.message), {
    ...(error.details && {
      details: error.details.map((it) => ({
        ...it,
        ...(it.field && { field: rename(it.field) }),
        message: rename(it.message),
      })),
    }),
    retryAfterSeconds: error.retryAfterSeconds,
    cause: error,
  });
}
