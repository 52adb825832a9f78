// The OpenAPI 3.1 description of a dialect, made from the same schemas that validate its calls. Loaded on first use.

import * as z from 'zod';
import { ApiError, ERRORS, type ErrorCode } from '../errors.ts';
import { compact, type Json, type JsonObject } from '../json.ts';
import { type BodySpec, type Dialect, type Route, readDocumented } from './dialect.ts';

type Schemas = Record<string, JsonObject>;

/** Codes that every call can return, beside its own. */
const ANY_CALL: readonly ErrorCode[] = [
  'invalid-request',
  'payload-too-large',
  'rate-limited',
  'internal',
  'unavailable',
];
const WITH_KEY: readonly ErrorCode[] = ['unauthenticated', 'forbidden'];

/** Leaves out what only a validator needs. Responses may get more fields later. */
function tidy(schema: JsonObject, io: 'input' | 'output'): void {
  if (schema['format'] === 'date-time') delete schema['pattern'];
  if (JSON.stringify(schema['propertyNames']) === '{"type":"string"}') delete schema['propertyNames'];
  if (io === 'output' && schema['additionalProperties'] === false) delete schema['additionalProperties'];
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const documented = readDocumented(zodSchema);
      if (documented) Object.assign(jsonSchema, toJsonSchema(documented, 'input'));
      tidy(jsonSchema as JsonObject, io);
    },
  }) as JsonObject;
  return rest;
}

/** Moves named schemas to `components`, where OpenAPI's references expect them. */
function hoistSchemas(schema: JsonObject, schemas: Schemas): JsonObject {
  const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $defs, ...rest } = JSON.parse(text) as JsonObject;
  Object.assign(schemas, $defs);
  return rest;
}

function describeParameters(route: Route): Json[] {
  const parameters: JsonObject[] = [];
  const add = (where: string, schema: JsonObject) => {
    const required = (schema['required'] ?? []) as string[];
    for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Schemas)) {
      const { description, ...rest } = property;
      const isRequired = where === 'path' || required.includes(name);
      parameters.push(compact({ name, in: where, required: isRequired, description, schema: rest }));
    }
    if (typeof schema['additionalProperties'] === 'object') parameters.push(INPUT_FILTERS);
  };
  if (route.params) add('path', toJsonSchema(route.params, 'input'));
  if (route.query) add('query', toJsonSchema(route.query, 'input'));
  for (const [name, description] of Object.entries(route.headers ?? {})) {
    parameters.push({ name, in: 'header', required: false, description, schema: { type: 'string' } });
  }
  return parameters;
}

/** Documents a query that accepts more names than it lists, as `input.<name>`. */
const INPUT_FILTERS: JsonObject = {
  name: 'inputs',
  in: 'query',
  required: false,
  style: 'form',
  explode: true,
  description: 'Values of inputs, as `input.<name>=<value>`',
  schema: { type: 'object', propertyNames: { pattern: '^input\\.' }, additionalProperties: { type: 'string' } },
};

function describeBody(body: BodySpec, schemas: Schemas): JsonObject {
  if (body.kind !== 'json') {
    const example = body.kind === 'text' ? { example: body.example } : {};
    const content = body.mediaTypes.map((type) => [type, { schema: { type: 'string' }, ...example }]);
    return { required: true, description: body.description, content: Object.fromEntries(content) };
  }
  const examples = Object.entries(body.examples ?? {}).map(([name, value]) => [name, { value }]);
  const media: JsonObject = {
    schema: hoistSchemas(toJsonSchema(body.schema, 'input'), schemas),
    ...(examples.length > 0 && { examples: Object.fromEntries(examples) }),
  };
  return { required: !body.optional, content: { 'application/json': media } };
}

function describeAnswers(route: Route, dialect: Dialect, schemas: Schemas): JsonObject {
  const responses: JsonObject = {};
  for (const [status, { description, schema, mediaType = 'application/json' }] of Object.entries(route.answers)) {
    const content = schema && { [mediaType]: { schema: hoistSchemas(toJsonSchema(schema, 'output'), schemas) } };
    responses[status] = compact({ description, content });
  }
  const codes = new Set([...route.errors, ...ANY_CALL, ...(route.access === 'anyone' ? [] : WITH_KEY)]);
  const byStatus = Map.groupBy(codes, (code) => dialect.errors[code].status);
  for (const [status, group] of byStatus) responses[String(status)] = describeErrors(group, dialect, schemas);
  return responses;
}

const EXAMPLE_REQUEST = { id: '1b0c6d1e-6f0f-4f0f-9d4e-6c7d8e9f0a1b', path: '/', body: new Uint8Array() };

function describeErrors(codes: ErrorCode[], dialect: Dialect, schemas: Schemas): JsonObject {
  const examples = codes.map((code) => {
    const { body } = dialect.renderError(new ApiError(code), EXAMPLE_REQUEST);
    return [code, { value: body && 'json' in body ? body.json : null }];
  });
  const schema = hoistSchemas(toJsonSchema(dialect.errorSchema, 'output'), schemas);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
    content: { 'application/json': { schema, examples: Object.fromEntries(examples) } },
  };
}

function describeOperation(route: Route, dialect: Dialect, schemas: Schemas): JsonObject {
  const scope = route.access === 'anyone' ? undefined : route.access;
  const needs = scope === undefined || scope === 'run' ? '' : `Needs a key with the scope \`${scope}\`.`;
  const description = [route.description, needs].filter(Boolean).join('\n\n');
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(description !== '' && { description }),
    ...(scope === undefined && { security: [] }),
    parameters: describeParameters(route),
    ...(route.body && { requestBody: describeBody(route.body, schemas) }),
    responses: describeAnswers(route, dialect, schemas),
  };
}

function build(dialect: Dialect): JsonObject {
  const schemas: Schemas = {};
  const paths: Record<string, JsonObject> = {};
  for (const route of dialect.routes) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: describeOperation(route, dialect, schemas),
    };
  }
  const tags = [...new Set(dialect.routes.map((route) => route.tag))].map((name) => ({ name }));
  return {
    security: [{ key: [] }],
    tags,
    paths,
    components: { schemas, securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  };
}

const built = new WeakMap<Dialect, JsonObject>();

export function describe(dialect: Dialect, about: { title: string; version: string; origin: string }): JsonObject {
  const document = built.get(dialect) ?? build(dialect);
  built.set(dialect, document);
  const { title, version, origin } = about;
  return {
    openapi: '3.1.0',
    info: { title, version, license: { name: 'Apache 2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: origin }],
    ...document,
  };
}
