import { describe, expect, test } from 'vitest';
import { announceFile, keepFile, openFile, toReference, withUploads } from '../../lambdas/core/catalog/files.ts';
import type { Json } from '../../lambdas/core/json.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { systemIds } from '../../lambdas/system.ts';
import { makeFakeClock } from '../support/fake-clock.ts';
import { startHttpServer } from '../support/http-server.ts';
import { makeMemoryFileStore } from '../support/memory-file-store.ts';

function world() {
  return {
    files: makeMemoryFileStore(),
    clock: makeFakeClock(),
    ids: systemIds,
    http: makeHttpClient({ policy: 'loopback' }),
  };
}
type World = ReturnType<typeof world>;
const how = { tenant: 'acme', maxBytes: 10, timeoutMs: 2_000 };
const keep = (ports: World, text: string) =>
  keepFile(ports, 'acme', { name: 'a.txt', type: 'text/plain', bytes: Buffer.from(text) });
const opened = async (ports: World, ref: Json) => {
  const { bytes, ...rest } = await openFile(ports, ref, how);
  return { text: Buffer.from(bytes).toString(), ...rest };
};

describe('a file is opened', () => {
  test('by the id of an upload', async () => {
    const ports = world();
    const file = await keep(ports, 'hello');
    expect(await opened(ports, toReference(file))).toEqual({ text: 'hello', name: 'a.txt', type: 'text/plain' });
  });

  test.each([
    ['data:text/csv;base64,YSxi', { text: 'a,b', name: '', type: 'text/csv' }],
    ['data:,a%20b', { text: 'a b', name: '', type: 'text/plain' }],
    [
      { url: 'data:text/csv,x', name: 'x.md', type: 'text/markdown' },
      { text: 'x', name: 'x.md', type: 'text/markdown' },
    ],
  ])('of %j', async (ref, expected) => {
    expect(await opened(world(), ref)).toEqual(expected);
  });

  test('from its address, with the name, type and charset that the server gives it', async () => {
    await using server = await startHttpServer((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>'),
    );
    const url = `${server.origin}/docs/page.html?x=1`;
    expect(await opened(world(), { url })).toEqual({
      text: '<p>',
      name: 'page.html',
      type: 'text/html',
      charset: 'utf-8',
    });
  });
});

describe('a file is not opened', () => {
  test.each<[Json, string]>([
    [null, 'There is no file'],
    [['x'], 'There is no file'],
    [{ name: 'x' }, 'A file is {"url": ...} or {"id": ...} of an upload'],
    [{ id: 'nope' }, "There is no file 'nope'"],
    ['data:broken', 'The data: address cannot be read'],
    ['data:,%zz', 'The data: address is not percent-encoded'],
    ['data:,12345678901', 'has more than 10 bytes'],
  ])('from %j', async (ref, message) => {
    await expect(openFile(world(), ref, how)).rejects.toThrow(message);
  });

  test('of another tenant, or whose bytes never came', async () => {
    const ports = world();
    const file = await keep(ports, 'hello');
    await expect(openFile(ports, { id: file.id }, { ...how, tenant: 'globex' })).rejects.toThrow('There is no file');
    const { file: announced } = await announceFile(ports, 'acme', { name: 'b', type: 'text/plain', size: 3 });
    await expect(openFile(ports, { id: announced.id }, how)).rejects.toThrow('was never uploaded');
  });

  test('beyond its limit, from wherever it comes', async () => {
    const ports = world();
    const file = await keep(ports, 'hello world');
    await expect(openFile(ports, { id: file.id }, how)).rejects.toThrow('more than 10 bytes');
    await using server = await startHttpServer((_, response) => response.end('x'.repeat(11)));
    await expect(openFile(ports, { url: server.origin }, how)).rejects.toThrow('more than 10 bytes');
  });

  test('where its server fails, which may pass', async () => {
    await using server = await startHttpServer((_, response) => response.writeHead(503).end());
    await expect(openFile(world(), { url: server.origin }, how)).rejects.toMatchObject({ retryable: true });
  });
});

describe('inputs', () => {
  const specs = {
    one: { type: 'file', alias: ['_sys_file'] },
    many: { type: 'files' },
    text: { type: 'string' },
  } as const;

  test('get the name, type and size of their uploads, also under an alias', async () => {
    const ports = world();
    const file = await keep(ports, 'hello');
    const known = { id: file.id, name: 'a.txt', type: 'text/plain', size: 5 };
    const inputs = { _sys_file: { id: file.id }, many: [{ url: 'https://x.example' }, { id: file.id }], text: 'id' };
    expect(
      await withUploads(
        ports,
        { tenant: 'acme', specs: { ...specs, one: { ...specs.one, alias: ['_sys_file'] } } },
        inputs,
      ),
    ).toEqual({
      _sys_file: known,
      many: [{ url: 'https://x.example' }, known],
      text: 'id',
    });
  });

  test('are refused for a file that does not exist or was never uploaded', async () => {
    const ports = world();
    const { file } = await announceFile(ports, 'acme', { name: 'b', type: 'text/plain', size: 3 });
    const at = { tenant: 'acme', specs: { many: { type: 'files' as const } } };
    await expect(withUploads(ports, at, { many: [{ id: 'x' }, { id: file.id }] })).rejects.toMatchObject({
      code: 'invalid-inputs',
      details: [
        { field: 'inputs.many', message: "names a file that does not exist: 'x'" },
        { field: 'inputs.many', message: `names the file '${file.id}', which was never uploaded` },
      ],
    });
  });
});
