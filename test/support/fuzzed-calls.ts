// Random calls: every route of a dialect by its OpenAPI description, and the calls of the vendors' case files, each with
// something wrong. Valid ids are among the values, so that calls get past "not found".

import * as fc from 'fast-check';
import type { Dialect, Route } from '../../lambdas/core/dialects/dialect.ts';
import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import { describe } from '../../lambdas/core/dialects/openapi.ts';
import type { Json, JsonObject } from '../../lambdas/core/json.ts';
import type { ApiCall } from './api-event.ts';
import { readCaseFiles } from './dialect-cases.ts';
import { damagedBody, damagedText, hostileHeaders, hostileTexts } from './hostile.ts';
import { makeArbitrary } from './schema-arbitrary.ts';

export interface FuzzedCall extends ApiCall {
  dialect: string;
  method: string;
  /** How the caller authenticates, as in `proveCaller`. */
  auth: string;
  /** Its id. Absent where the call fits no route on purpose, and for calls from case files. */
  route?: string;
  fromCase?: true;
}

/** Values that exist, by the names of parameters; the event stream of an unsettled run would not end. */
export interface GoodValues {
  [parameter: string]: string[];
}

interface Operation {
  parameters: { name: string; in: string; schema: JsonObject }[];
  requestBody?: {
    content: Record<string, { schema?: JsonObject; example?: Json; examples?: Record<string, { value: Json }> }>;
  };
}

const FORM =
  '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--b--\r\n';
const FORM_TYPE = 'multipart/form-data; boundary=b';

const auths = fc.oneof(
  { weight: 12, arbitrary: fc.constant('default') },
  { weight: 1, arbitrary: fc.constantFrom('none', 'wrong-key', 'bare-key', 'tc3-skip') },
);

const encodeSegment = (text: string) => (text.isWellFormed() ? encodeURIComponent(text) : 'x');

function drawPaths(route: Route, good: GoodValues): fc.Arbitrary<string> {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const drawValues = (name: string) => {
    const known = good[`${route.id}.${name}`] ?? good[name] ?? [];
    const hostile = { weight: 1, arbitrary: hostileTexts };
    return known.length > 0 ? fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, hostile) : hostileTexts;
  };
  return fc
    .tuple(...names.map(drawValues))
    .map((values) =>
      values.reduce((path, value, at) => path.replace(`{${names[at]}}`, () => encodeSegment(value)), route.path),
    );
}

function drawQueries({ parameters }: Operation): fc.Arbitrary<string> {
  const asked = parameters.filter((parameter) => parameter.in === 'query');
  const values = Object.fromEntries(
    asked.map(({ name, schema }) => [
      name,
      fc.oneof(
        makeArbitrary(schema).map((it) => (typeof it === 'string' ? it : (JSON.stringify(it) ?? ''))),
        hostileTexts,
      ),
    ]),
  );
  const some = fc.record(values, { requiredKeys: [] });
  const strange = fc.dictionary(hostileTexts, hostileTexts, { maxKeys: 1 });
  return fc.tuple(some, fc.oneof({ weight: 6, arbitrary: fc.constant({}) }, strange)).map(([known, odd]) => {
    const pairs = Object.entries({ ...known, ...odd }).filter((pair) => pair.every((it) => String(it).isWellFormed()));
    const query = pairs.map((pair) => pair.map((it) => encodeURIComponent(String(it))).join('=')).join('&');
    return query === '' ? '' : `?${query}`;
  });
}

function drawBodies(
  route: Route,
  operation: Operation,
  definitions: JsonObject,
): fc.Arbitrary<string | Uint8Array | undefined> {
  if (!route.body || !operation.requestBody) return fc.constant(undefined);
  const [media = {}] = Object.values(operation.requestBody.content);
  if (route.body.kind === 'text') return damagedText(fc.constant(String(media.example)));
  if (route.body.kind === 'bytes') return damagedText(fc.constant(FORM));
  const examples = Object.values(media.examples ?? {}).map(({ value }) => value);
  const values = makeArbitrary(media.schema, definitions);
  return damagedBody(examples.length > 0 ? fc.oneof(values, fc.constantFrom(...examples)) : values);
}

function writeContentType({ body }: Route): Record<string, string> {
  if (body === undefined || body.kind === 'json') return {};
  return { 'content-type': body.kind === 'bytes' ? FORM_TYPE : (body.mediaTypes[0] ?? '') };
}

function drawRouteCalls(dialect: Dialect, good: GoodValues): fc.Arbitrary<FuzzedCall>[] {
  const document = describe(dialect, { title: '', version: '', origin: '' });
  const paths = document['paths'] as unknown as Record<string, Record<string, Operation>>;
  const { schemas } = document['components'] as { schemas: JsonObject };
  return dialect.routes.map((route) => {
    const operation = paths[route.path]?.[route.method.toLowerCase()] as Operation;
    return fc
      .record({
        path: drawPaths(route, good),
        query: drawQueries(operation),
        headers: hostileHeaders,
        body: drawBodies(route, operation, schemas),
        auth: auths,
      })
      .map(({ path, query, body, headers, ...rest }) => ({
        ...rest,
        headers: { ...writeContentType(route), ...headers },
        dialect: dialect.name,
        route: route.id,
        method: route.method,
        path: `${path}${query}`,
        body,
      }));
  });
}

async function drawCaseCalls(good: GoodValues): Promise<fc.Arbitrary<FuzzedCall>[]> {
  const filled = (text: string) =>
    text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => (good[name] ?? good['id'])?.[0] ?? 'x');
  const steps = (await readCaseFiles()).flatMap(({ vendor, test }) =>
    test.steps.map((step) => ({ vendor, ...step.request })),
  );
  const ofApi = steps.filter(({ path }) => !path.startsWith('/_local/'));
  return ofApi.map(({ vendor, method, path, headers = {}, body, auth = 'default' }) => {
    const said = body === undefined ? undefined : JSON.parse(filled(JSON.stringify(body)));
    const bodies = said === undefined ? fc.constant(undefined) : damagedBody(fc.constant(said));
    return fc.record({ body: bodies, headers: hostileHeaders }).map((made) => ({
      dialect: vendor,
      fromCase: true as const,
      method,
      auth,
      path: filled(path),
      headers: { ...(JSON.parse(filled(JSON.stringify(headers))) as Record<string, string>), ...made.headers },
      body: made.body,
    }));
  });
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'get'];

const strayCalls: fc.Arbitrary<FuzzedCall> = fc.record({
  dialect: fc.constantFrom(...DIALECTS.map(({ name }) => name as string)),
  method: fc.constantFrom(...METHODS),
  path: fc
    .array(
      fc.oneof(
        fc.constantFrom('v1', 'v2', 'runs', 'flows', '', '..', '%2e', '%00', '%zz'),
        hostileTexts.map(encodeSegment),
      ),
      { maxLength: 3 },
    )
    .map((parts) => `/${parts.join('/')}`),
  headers: hostileHeaders,
  auth: auths,
});

export async function drawCalls(good: GoodValues): Promise<fc.Arbitrary<FuzzedCall>> {
  const routes = DIALECTS.flatMap((dialect) => drawRouteCalls(dialect, good));
  const cases = await drawCaseCalls(good);
  return fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...routes) },
    { weight: 3, arbitrary: fc.oneof(...cases) },
    { weight: 1, arbitrary: strayCalls },
  );
}
