// From a request to a call: path, query and body checked against the schemas of the route.

import type { ApiRequest, Call, Route } from '../core/dialects/dialect.ts';
import { ApiError } from '../core/errors.ts';
import { MAX_BODY_BYTES } from '../core/limits.ts';
import { parseOrReject } from '../core/parse/parse-or-reject.ts';
import { decodeText, parseJson } from './json-body.ts';

const JSON_MEDIA_TYPE = /^application\/(?:[^\s;]+\+)?json$/;

function refuseField(field: string, message: string, cause?: unknown): never {
  throw new ApiError('invalid-request', `${field} ${message}`, { details: [{ field, message }], cause });
}

/** Decoded once: `%252F` stays `%2F`. */
function readParams(raw: Record<string, string>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    try {
      params[name] = decodeURIComponent(value);
    } catch (cause) {
      refuseField(name, 'is not valid percent-encoding', cause);
    }
  }
  return params;
}

function readQuery(query: URLSearchParams): Record<string, string> {
  const once: Record<string, string> = Object.create(null);
  for (const [name, value] of query) {
    if (name in once) refuseField(name, 'is given more than once');
    once[name] = value;
  }
  return { ...once };
}

/** Lower case, without parameters; empty where the caller sends none: then the body is read as what the route expects. */
const readMediaType = (request: ApiRequest) =>
  (request.headers['content-type'] ?? '').replace(/;.*$/s, '').trim().toLowerCase();

const refuseMediaType = (accepted: readonly string[]): never =>
  refuseField('Content-Type', `must be ${accepted.join(' or ')}`);

async function readBody(route: Route, request: ApiRequest): Promise<unknown> {
  const { body: spec } = route;
  const mediaType = readMediaType(request);
  if (spec === undefined) return undefined;
  if (spec.kind === 'json') {
    if (request.body.length === 0 && spec.optional) return parseOrReject(spec.schema, {});
    if (mediaType !== '' && !JSON_MEDIA_TYPE.test(mediaType)) refuseMediaType(['application/json']);
    return parseOrReject(spec.schema, await parseJson(request.body));
  }
  if (mediaType !== '' && !spec.mediaTypes.includes(mediaType)) refuseMediaType(spec.mediaTypes);
  return spec.kind === 'text' ? decodeText(request.body) : request.body;
}

export function refuseSize({ body: spec }: Route, request: ApiRequest): void {
  const limit = spec?.maxBytes ?? MAX_BODY_BYTES;
  if (request.body.length <= limit) return;
  throw new ApiError('payload-too-large', `The body has ${request.body.length} bytes; at most ${limit} are allowed`);
}

export async function readCall(
  route: Route,
  request: ApiRequest,
  rawParams: Record<string, string>,
): Promise<Omit<Call, 'caller'>> {
  return {
    request,
    params: route.params && parseOrReject(route.params, readParams(rawParams)),
    query: route.query && parseOrReject(route.query, readQuery(request.query)),
    body: await readBody(route, request),
  };
}
