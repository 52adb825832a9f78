import { beforeEach, describe, expect, test } from 'vitest';
import {
  deleteFlow,
  findVersion,
  getFlow,
  publish,
  readDraft,
  resolveVersion,
  saveDraft,
  setFlowEnabled,
} from '../../lambdas/core/catalog/flows.ts';
import type { FlowStore } from '../../lambdas/core/ports/catalog.ts';
import { makeMemoryFlowStore } from '../support/memory-flow-store.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const hello = (more = '') => `flow: 1\nname: hello\n${more}nodes: { a: { type: set, with: { values: { x: 1 } } } }\n`;
const inputs = (text: string) => hello(`inputs: { ${text} }\n`);

let flows: FlowStore;
let ports: { flows: FlowStore; clock: { now(): number; sleep(): Promise<void> } };
beforeEach(() => {
  flows = makeMemoryFlowStore();
  ports = { flows, clock: { now: () => NOW, sleep: async () => undefined } };
});

const save = (source: string, more: { name?: string; ifMatch?: string } = {}) =>
  saveDraft(ports, 'acme', { name: 'hello', source, granted: 'all', ...more });
const publishNow = async (source: string) => {
  await save(source);
  return publish(ports, 'acme', { name: 'hello', granted: 'all' });
};

describe('saving a draft', () => {
  test('stores it with its plan', async () => {
    const { etag, compiled } = await save(hello());
    expect(compiled.problems).toEqual([]);
    expect(await readDraft(ports, 'acme', 'hello')).toEqual({ etag, source: hello(), compiled, granted: 'all' });
  });

  test('stores a draft with problems, and returns them', async () => {
    const { compiled } = await save('flow: 1\nname: hello\nnodes: { a: { type: nope } }\n');
    expect(compiled.problems[0]).toMatchObject({ line: 3, column: 21, severity: 'error' });
    expect((await getFlow(ports, 'acme', 'hello')).draft).toBeDefined();
  });

  test('warns of a flow that it runs and that does not exist, but not of itself', async () => {
    const node = (name: string) => `{ type: flow, with: { name: ${name} } }`;
    const source = `flow: 1\nname: hello\nnodes: { a: ${node('hello')}, b: ${node('other')} }\n`;
    const { compiled } = await save(source);
    expect(compiled.plan).toBeDefined();
    const message = "there is no flow 'other': the node will fail as flow-not-found";
    expect(compiled.problems).toMatchObject([{ line: 3, severity: 'warning', message }]);
    await save('flow: 1\nname: other\nnodes: {}\n', { name: 'other' });
    expect((await save(source)).compiled.problems).toEqual([]);
  });

  test('refuses a text that cannot be read, with its place, and writes nothing', async () => {
    await expect(save('flow: 1\nname: [')).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(/^The flow cannot be read: line 2, column \d+: /),
      details: [{ line: 2, column: expect.any(Number), message: expect.any(String) }],
    });
    await expect(getFlow(ports, 'acme', 'hello')).rejects.toMatchObject({ code: 'flow-not-found' });
  });

  test('refuses the text of another flow', async () => {
    await expect(save(hello(), { name: 'other' })).rejects.toThrow(
      "The text names flow 'hello', but it was sent to flow 'other'",
    );
  });

  test('refuses a source that is too large', async () => {
    await expect(save(`# ${'ü'.repeat(140_000)}\n${hello()}`)).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  test.each(['', '1a', 'a b', '../x', 'a#b', '-a', 'x'.repeat(65), '__proto__ '])(
    'refuses the name %j',
    async (name) => {
      await expect(save(hello(), { name })).rejects.toMatchObject({ code: 'invalid-request' });
    },
  );

  test('refuses an editor whose draft is outdated', async () => {
    const { etag } = await save(hello());
    const { etag: newer } = await save(hello('title: Two\n'), { ifMatch: `"${etag}"` });
    await expect(save(hello('title: Three\n'), { ifMatch: etag })).rejects.toThrow(/was changed since you read it/);
    expect((await readDraft(ports, 'acme', 'hello')).etag).toBe(newer);
  });
});

describe('publishing', () => {
  test('makes version 1.0.0 of the first draft', async () => {
    const { created, version } = await publishNow(hello());
    expect(created).toBe(true);
    expect(version).toMatchObject({ version: '1.0.0', source: hello(), publishedAt: NOW, async: { supported: true } });
    expect((await getFlow(ports, 'acme', 'hello')).latest).toMatchObject({ version: '1.0.0', digest: version.digest });
  });

  test('answers with the version that has the same content already', async () => {
    const first = await publishNow(hello());
    const again = await publishNow(`# a comment\n${hello()}`);
    expect(again.created).toBe(false);
    expect(again.version).toEqual(first.version);
  });

  test('makes a version of old content that is no longer the newest', async () => {
    await publishNow(hello());
    await publishNow(hello('title: Two\n'));
    expect((await publishNow(hello())).version.version).toBe('1.0.2');
  });

  test('numbers versions by what changed for callers', async () => {
    const labels: string[] = [];
    for (const source of [
      inputs('a: { type: string }'),
      inputs('a: { type: string, title: A }'),
      inputs('a: { type: string }, b: { type: text }'),
      inputs('b: { type: text }'),
    ]) {
      labels.push((await publishNow(source)).version.version);
    }
    expect(labels).toEqual(['1.0.0', '1.0.1', '1.1.0', '2.0.0']);
  });

  test('takes a higher number from the author, never a lower one', async () => {
    await publishNow(hello());
    await save(hello('title: Two\n'));
    const asked = (version: string) => publish(ports, 'acme', { name: 'hello', version, granted: 'all' });
    await expect(asked('1.0.0')).rejects.toThrow(/version must be 1\.0\.1 or higher/);
    await expect(asked('two')).rejects.toMatchObject({ code: 'invalid-request' });
    expect((await asked('3.2.1')).version.version).toBe('3.2.1');
  });

  test('refuses a draft with problems, and names them all', async () => {
    await save('flow: 1\nname: hello\nnodes:\n  a: { type: nope }\n  b: { type: nada }\n');
    await expect(publish(ports, 'acme', { name: 'hello', granted: 'all' })).rejects.toMatchObject({
      code: 'invalid-flow',
      message: expect.stringMatching(/has 2 problems: line 4, column 14: unknown node type/),
      details: [{ line: 4 }, { line: 5 }],
    });
  });

  test('refuses a flow that is not there', async () => {
    await expect(publish(ports, 'acme', { name: 'absent', granted: 'all' })).rejects.toMatchObject({
      code: 'flow-not-found',
    });
  });

  test('at the same moment makes one version of one content', async () => {
    await save(hello());
    const all = await Promise.all(
      Array.from({ length: 8 }, () => publish(ports, 'acme', { name: 'hello', granted: 'all' })),
    );
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(all.map(({ version }) => version.version))).toEqual(new Set(['1.0.0']));
  });
});

describe('the version that a run executes', () => {
  const resolve = (asked: { version?: string; draft?: boolean } = {}) => resolveVersion(ports, 'acme', 'hello', asked);
  beforeEach(async () => {
    await publishNow(hello());
    await publishNow(hello('title: Two\n'));
    await publishNow(hello('title: Three\noutputs: { x: 1 }\n'));
  });

  test.each([
    [undefined, '1.1.0', 'Three'],
    ['1', '1.1.0', 'Three'],
    ['1.0', '1.0.1', 'Two'],
    ['1.0.0', '1.0.0', undefined],
  ])('%j is %s', async (asked, version, title) => {
    const found = await resolve(asked === undefined ? {} : { version: asked });
    expect([found.version, found.plan.title]).toEqual([version, title]);
    expect(found.digest).toBe((await findVersion(ports, 'acme', 'hello', version)).digest);
  });

  test('can be the draft', async () => {
    await save(hello('title: Draft\n'));
    expect(await resolve({ draft: true })).toMatchObject({ version: 'draft', plan: { title: 'Draft' } });
    expect((await resolve()).plan.title).toBe('Three');
  });

  test('says how that very version can run', async () => {
    await save('flow: 1\nname: hello\nnodes: { a: { type: callback } }\n');
    expect((await resolve({ draft: true })).flow.sync.supported).toBe(false);
    expect((await resolve()).flow.sync.supported).toBe(true);
    await publish(ports, 'acme', { name: 'hello', granted: 'all' });
    expect((await resolve()).flow.sync.supported).toBe(false);
    expect((await resolve({ version: '1.0' })).flow.sync.supported).toBe(true);
  });

  test.each(['2', '1.0.9', 'latest', ''])('is never %j', async (version) => {
    await expect(resolve({ version })).rejects.toMatchObject({
      code: 'version-not-found',
      message: expect.stringContaining('1.1.0'),
    });
  });

  test('is not a draft with problems', async () => {
    await save('flow: 1\nname: hello\nnodes: { a: { type: nope } }\n');
    await expect(resolve({ draft: true })).rejects.toMatchObject({ code: 'invalid-flow' });
  });

  test('is none of a flow that is disabled, removed, unpublished or of another tenant', async () => {
    await setFlowEnabled(ports, 'acme', 'hello', false);
    await expect(resolve()).rejects.toMatchObject({ code: 'flow-disabled' });
    await expect(resolve({ draft: true })).rejects.toMatchObject({ code: 'flow-disabled' });
    await expect(resolveVersion(ports, 'other', 'hello', {})).rejects.toMatchObject({ code: 'flow-not-found' });
    await deleteFlow(ports, 'acme', 'hello');
    await expect(resolve()).rejects.toMatchObject({ code: 'flow-not-found' });
    await save(hello());
    await expect(resolve()).rejects.toMatchObject({ code: 'flow-not-published' });
    await expect(deleteFlow(ports, 'acme', 'absent')).rejects.toMatchObject({ code: 'flow-not-found' });
  });
});
