import { beforeAll, expect, test } from 'vitest';
import { native } from '../../lambdas/core/dialects/native/dialect.ts';
import { describe as describeApi } from '../../lambdas/core/dialects/openapi.ts';
import { ERRORS } from '../../lambdas/core/errors.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';

type Operation = {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters: { name: string; in: string; required: boolean; schema: JsonObject }[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonObject; examples?: JsonObject }> };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: JsonObject; examples?: object }> }
  >;
};

let document: JsonObject & { paths: Record<string, Record<string, Operation>>; components: { schemas: JsonObject } };
let operations: { path: string; method: string; operation: Operation }[];

beforeAll(() => {
  const about = { title: 'Errand', version: '1.2.3', origin: 'https://api.example.com' };
  document = describeApi(native, about) as typeof document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
});

const findOperation = (id: string) => {
  const found = operations.find(({ operation }) => operation.operationId === id);
  if (!found) throw new Error(`There is no operation ${id}`);
  return found.operation;
};

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

test('is OpenAPI 3.1 and says where it is served', () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Errand', version: '1.2.3' },
    servers: [{ url: 'https://api.example.com' }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    security: [{ key: [] }],
  });
});

test('documents every route, each with a unique operation id', () => {
  const documented = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort();
  expect(documented).toEqual(native.routes.map(({ method, path }) => `${method} ${path}`).sort());
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
});

test('documents exactly the parameters that a path has', () => {
  for (const { path, operation } of operations) {
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    expect(inPath.sort(), path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort());
  }
});

test('refers only to schemas that it has', () => {
  const { schemas } = document.components;
  const targets = references(document);
  expect(targets.length).toBeGreaterThan(50);
  for (const target of targets) {
    expect(target).toMatch(/^#\/components\/schemas\//);
    expect(Object.keys(schemas)).toContain(target.replace('#/components/schemas/', ''));
  }
});

test('documents the envelope and an example for every error of every call', () => {
  for (const { path, operation } of operations) {
    const refusals = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
    for (const [status, { content }] of refusals) {
      const media = content?.['application/json'];
      expect(media?.schema, path).toEqual({ $ref: '#/components/schemas/Error' });
      for (const code of Object.keys(media?.examples ?? {})) {
        expect(String(ERRORS[code as keyof typeof ERRORS].status), `${path} ${code}`).toBe(status);
      }
    }
  }
});

test('shows which calls need no key', () => {
  const open = operations.filter(({ operation }) => operation.security?.length === 0);
  expect(open.map(({ operation }) => operation.operationId).sort()).toEqual([
    'describeApi',
    'describeFlowFormat',
    'health',
    'readFileByLink',
    'signalByToken',
    'welcome',
  ]);
  for (const { operation } of open) expect(Object.keys(operation.responses)).not.toContain('401');
  expect(Object.keys(findOperation('readRun').responses)).toContain('401');
});

test('describes what starts a run from the schemas that check it', () => {
  const body = findOperation('startRun').requestBody?.content['application/json'];
  expect(body?.schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: {
      mode: { enum: ['sync', 'stream', 'async'], default: 'sync' },
      priority: { type: 'integer', minimum: 0, maximum: 9 },
      webhooks: { type: 'array', maxItems: 5, items: { required: ['url'] } },
    },
  });
  expect(Object.keys(body?.examples ?? {})).toEqual(['sync', 'async']);
  expect(findOperation('startRun').parameters.map(({ name }) => name)).toEqual(['name', 'Idempotency-Key']);
});

test('describes the filters of the list, inputs included', () => {
  const filters = findOperation('listRuns').parameters;
  expect(filters.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['flow', 'status', 'from', 'to', 'q', 'limit', 'cursor', 'inputs']),
  );
  expect(filters.every(({ required }) => !required)).toBe(true);
});

test('is built once for all origins', () => {
  const again = describeApi(native, { title: 'Errand', version: '1', origin: 'http://127.0.0.1' });
  expect(again['paths']).toBe(document.paths);
  expect(again['servers']).toEqual([{ url: 'http://127.0.0.1' }]);
});
