import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnFixture, startTestRuntime, synthesizeFixture } from '../support/runtime.ts';

// What the fixture's pages answer, each a part of it.
interface Page {
  marks: string[];
  times: number;
  secret: string;
  executionArn: string;
  error: string | null;
}
const get = async (url: string) => (await fetch(url)).json() as Promise<Page>;

// fetch would take the dots out of a path.
const fetchStatus = (base: string, path: string) =>
  new Promise((resolve, reject) => {
    const { hostname, port, pathname } = new URL(base);
    request({ hostname, port, path: pathname + path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });

/** Process ids of the servers whose file is in the state directory. */
async function databaseServers(stateDir: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return ids.filter((_, n) => lines[n]?.includes('--db-path') && lines[n]?.includes(stateDir));
}

describe('a stack with one of everything', () => {
  let runtime: Awaited<ReturnType<typeof startTestRuntime>>;

  beforeAll(async () => {
    runtime = await startTestRuntime({ assemblyDir: await synthesizeFixture() });
  }, 60_000);
  afterAll(() => runtime?.stop());

  test('has its schedule run at boot', async () => {
    await expect.poll(async () => (await get(`${runtime.baseUrl}/marks`)).marks).toContain('ticked');
  });

  test('works off its queue, and a message that fails comes again until it succeeds', async () => {
    for (const body of ['plain', 'poison']) await fetch(`${runtime.baseUrl}/job`, { method: 'POST', body });
    const times = async (name: string) => (await get(`${runtime.baseUrl}/mark?name=${name}`)).times;
    await expect.poll(() => times('poison'), { timeout: 15_000 }).toBe(3);
    expect(await times('plain')).toBe(1);
  });

  test('reaches its secret, bucket, machine and the functions of the repository by the SDK', async () => {
    expect((await get(`${runtime.baseUrl}/secret`)).secret).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(await get(`${runtime.baseUrl}/object`)).toEqual({ object: 'kept' });
    expect((await get(`${runtime.baseUrl}/execution`)).executionArn).toMatch(
      /^arn:aws:states:us-east-1:0{12}:execution:/,
    );
    expect((await get(`${runtime.baseUrl}/own`)).error).toBeNull();
  });

  test('has every call that nothing emulates refused on this machine', async () => {
    expect(await get(`${runtime.baseUrl}/outside`)).toMatchObject({
      status: 400,
      name: 'UnknownOperationException',
      message: expect.stringContaining('not emulated locally: GET /2015-03-31/functions'),
    });
  });

  test('answers an invocation by the name of a construct, and reports a failure', async () => {
    expect(await runtime.invoke('tick', { n: 1 })).toEqual({ event: { n: 1 } });
    await expect(runtime.invoke('work', {})).rejects.toThrow('work failed');
    await expect(runtime.invoke('nobody', {})).rejects.toThrow('Function not found: nobody');
  });

  test('serves the sample feeds and documents and nothing beside them', async () => {
    const pdf = await fetch(`${runtime.baseUrl}/_local/documents/invoice.pdf`);
    expect([pdf.status, pdf.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    const feed = await fetch(`${runtime.baseUrl}/_local/feeds/news.rss.xml`);
    expect([feed.status, feed.headers.get('content-type')]).toEqual([200, 'application/xml']);
    for (const path of ['..%2f..%2fpackage.json', '../../package.json', '.hidden', 'news.rss.xml/x', 'none.xml']) {
      expect(await fetchStatus(`${runtime.baseUrl}/_local/feeds/`, path), path).toBe(404);
    }
  });

  test('shows what the inbox received, webhooks by DELETE too, until it is emptied', async () => {
    const inbox = `${runtime.baseUrl}/_local/inbox/demo`;
    const response = await fetch(`${inbox}?status=500&a=b`, {
      method: 'PUT',
      body: 'hello',
      headers: { 'x-mark': '1' },
    });
    await fetch(inbox, { method: 'DELETE', headers: { 'webhook-id': 'msg_1' } });
    expect(response.status).toBe(500);
    expect(await get(`${inbox}/received`)).toMatchObject([
      { method: 'PUT', body: 'hello', query: { status: '500', a: 'b' }, headers: { 'x-mark': '1' } },
      { method: 'DELETE' },
    ]);
    await fetch(inbox, { method: 'DELETE' });
    expect(await get(`${inbox}/received`)).toEqual([]);
  });
});

describe('a killed runtime', () => {
  let stateDir: string;

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'errand-journey-'));
  });
  afterAll(() => rm(stateDir, { recursive: true, force: true }));

  test('keeps tables, queued messages and the secret, and its successor works off what was left', async () => {
    const bodies = Array.from({ length: 12 }, (_, n) => `slow-${n}`);
    const first = await spawnFixture(stateDir);
    const { secret } = await get(`${first.baseUrl}/secret`);
    for (const body of bodies) await fetch(`${first.baseUrl}/job`, { method: 'POST', body });
    await first.kill();

    await using second = await spawnFixture(stateDir);
    expect((await get(`${second.baseUrl}/secret`)).secret).toBe(secret);
    const { marks } = await get(`${second.baseUrl}/marks`);
    expect(marks).toEqual(expect.arrayContaining(bodies.map((body) => `asked-${body}`)));
    expect(bodies.every((body) => marks.includes(body))).toBe(false);
    await expect
      .poll(async () => (await get(`${second.baseUrl}/marks`)).marks, { timeout: 60_000, interval: 500 })
      .toEqual(expect.arrayContaining(bodies));
  });

  test.runIf(process.platform === 'linux')('takes its database server with it', async () => {
    const doomed = await spawnFixture(stateDir);
    expect(await databaseServers(stateDir)).not.toEqual([]);
    await doomed.kill();
    await expect.poll(() => databaseServers(stateDir)).toEqual([]);
  });

  test('refuses a directory on which another one runs', async () => {
    const assemblyDir = await synthesizeFixture();
    await using _first = await startTestRuntime({ assemblyDir, stateDir });
    await expect(startTestRuntime({ assemblyDir, stateDir })).rejects.toThrow(`Another Errand runs on ${stateDir}`);
  });
});
