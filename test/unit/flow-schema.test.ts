import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { flowSchema } from '../../lambdas/core/flow/schema.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';

const schema = flowSchema(NODE_KINDS);
const checks = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);

test('the published JSON Schema is the one that the format has now (npx vitest -u writes it)', async () => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../flows/schemas/flow-1.json');
});

test.each([
  'flows/hello.yaml',
  'flows/read-documents.yaml',
  'flows/slow-approval.yaml',
  'flows/ticket-triage.yaml',
  'flows/today-news.yaml',
  'test/fixtures/flows/branches.yaml',
])('the JSON Schema takes %s', async (file) => {
  expect(checks.safeParse(parse(await readFile(file, 'utf8'))).error?.issues ?? []).toEqual([]);
});

test('the JSON Schema refuses what is no flow', () => {
  const flow = { flow: 1, name: 'x', nodes: { a: { type: 'set', with: { values: {} } } } };
  const isTaken = (it: object) => checks.safeParse(it).success;
  expect(isTaken(flow)).toBe(true);
  expect(isTaken({ ...flow, flow: 2 })).toBe(false);
  expect(isTaken({ ...flow, more: 1 })).toBe(false);
  expect(isTaken({ ...flow, nodes: { a: { type: 'nope' } } })).toBe(false);
  expect(isTaken({ ...flow, nodes: { a: { type: 'group', with: { nodes: { b: { type: 'nope' } } } } } })).toBe(false);
});

test('every field of every `with` has a description, and no other has', () => {
  const { anyOf } = (schema as { $defs: { node: { anyOf: { title: string; properties: Record<string, unknown> }[] } } })
    .$defs.node;
  expect(anyOf).toHaveLength(Object.keys(NODE_KINDS).length);
  for (const { title, properties } of anyOf) {
    const { properties: fields = {} } = properties['with'] as { properties?: Record<string, Record<string, unknown>> };
    const bare = Object.entries(fields).filter(([, it]) => !it['description'] || Object.keys(it).length < 2);
    expect([title, Object.keys(fields).length > 0, bare.map(([name]) => name)]).toEqual([title, true, []]);
  }
});
