// The flows that a first visitor finds, run as they are.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { makeDocxBomb } from '../support/document-files.ts';
import { startHttpServer } from '../support/http-server.ts';
import { type OpenAiServer, startOpenAiServer } from '../support/openai-server.ts';
import { startTestRuntime } from '../support/runtime.ts';

const FLOWS = join(import.meta.dirname, '../../flows');

let models: OpenAiServer;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  models = await startOpenAiServer(({ messages }) => {
    const text: string = messages.at(-1).content;
    return JSON.stringify({
      summary: `In short: ${text.split('\n')[0]}`,
      alert: text.includes('Storm') || text.includes('ferry'),
    });
  });
  runtime = await startTestRuntime({ models: { OPENAI_BASE_URL: models.baseUrl } });
  api = await demoClient(runtime);
  for (const file of (await readdir(FLOWS)).filter((it) => it.endsWith('.yaml'))) {
    const source = await readFile(join(FLOWS, file), 'utf8');
    const [, name = ''] = /^name: (\w+)$/m.exec(source) ?? [];
    await publishFlow(api, name, source);
  }
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await models?.[Symbol.asyncDispose]();
});

const run = async (flow: string, inputs: object = {}, mode = 'sync'): Promise<Body> =>
  (await api.call('POST', `/v1/flows/${flow}/runs`, { mode, inputs })).body;
const feed = () => `${api.baseUrl}/_local/feeds/news.rss.xml`;

async function until(id: string, status: string): Promise<Body> {
  let body: Body;
  const look = async () => {
    body = (await api.call('GET', `/v1/runs/${id}`)).body;
    return body.status;
  };
  await expect.poll(look, { timeout: 20_000, interval: 100 }).toBe(status);
  return body;
}

test('hello greets', async () => {
  expect(await run('hello', { name: 'Ada' })).toMatchObject({
    status: 'succeeded',
    outputs: { greeting: 'Hello, Ada!' },
  });
});

test('todayNews gives the newest items of a feed', async () => {
  const { outputs } = await run('todayNews', { feed: feed(), max: 2 });
  expect(outputs.news).toHaveLength(2);
  expect(Object.keys(outputs.news[0])).toEqual(['title', 'summary', 'media']);
});

test('readDocuments takes the text out of every document, and passes over a bomb and what is none', async () => {
  const names = ['invoice.pdf', 'minutes.docx', 'notice.html', 'prices.csv'];
  await using bombs = await startHttpServer((_, response) => response.end(makeDocxBomb(1_000)));
  const samples = [...names, 'missing.pdf'].map((name) => `${api.baseUrl}/_local/documents/${name}`);
  const urls = [`${bombs.origin}/bomb.docx`, ...samples];
  const { status, outputs } = await run('readDocuments', { files: urls.map((url) => ({ url })) });
  expect(status).toBe('succeeded');
  const texts: string[] = outputs.documents.map(({ text }: Body) => text);
  expect(outputs.documents.map(({ name }: Body) => name)).toEqual(names);
  expect(outputs.documents[0].pages).toBe(2);
  expect(texts[0]).toContain('Total 210.00\n\nTerms');
  expect(texts[1]).toContain('New ferry berth | approved');
  expect(texts[2]).toMatch(/^Ferry timetable changes\n\nFrom 1 May the last ferry/);
  expect(texts[3]).toContain('"Lantern, brass";piece;43.00');
  expect(outputs.overview).toMatch(/^invoice\.pdf: \d+ words\nminutes\.docx/);
});

test('newsDigest summarises, asks before it publishes what is alarming, and can be dropped', async () => {
  const accepted = await run('newsDigest', { feed: feed() }, 'async');
  await until(accepted.id, 'waiting');
  await api.call('POST', `/v1/runs/${accepted.id}/signals/review`, { action: 'approve' });
  const { outputs, usage } = await until(accepted.id, 'succeeded');
  expect(outputs.news.length).toBeGreaterThan(2);
  expect(outputs.news[0].summary).toMatch(/^In short: /);
  expect(usage.totalTokens).toBeGreaterThan(0);
  const dropped = await run('newsDigest', { feed: feed() }, 'async');
  await until(dropped.id, 'waiting');
  await api.call('POST', `/v1/runs/${dropped.id}/signals/review`, { action: 'reject' });
  expect((await until(dropped.id, 'failed')).error.code).toBe('rejected');
});

test.each([
  ['nothing', true, []],
  ['hotel', false, ['flight']],
  ['car', false, ['hotel', 'flight']],
])('booking, when %s goes wrong, undoes what was booked', async (fail, booked, undone) => {
  expect(await run('booking', { fail })).toMatchObject({ status: 'succeeded', outputs: { booked, undone } });
});

test('colour asks, and goes on with the answer', async () => {
  const waiting = await run('colour');
  expect(waiting).toMatchObject({ status: 'waiting', waitingFor: 'question' });
  await api.call('POST', `/v1/runs/${waiting.id}/signals/ask`, '"green"');
  expect((await until(waiting.id, 'succeeded')).outputs).toEqual({ colour: 'green' });
});

test('batchOfNumbers works through five hundred items, and lists the five that fail', async () => {
  const { status, outputs } = await run('batchOfNumbers');
  expect([status, outputs.done, outputs.failed]).toEqual(['succeeded', 495, [100, 200, 300, 400, 500]]);
});

test('morningBriefing runs todayNews for each feed, and leaves out the one that cannot be read', async () => {
  const feeds = [
    { topic: 'City', feed: feed() },
    { topic: 'Nowhere', feed: `${api.baseUrl}/_local/feeds/none.xml` },
    { topic: 'Science', feed: `${api.baseUrl}/_local/feeds/news.atom.xml` },
  ];
  const { id } = await run('morningBriefing', { feeds }, 'async');
  const { outputs } = await until(id, 'succeeded');
  expect(outputs.topics).toEqual(['City', 'Science']);
  expect(outputs.news).toHaveLength(4);
  const { body } = await api.call('GET', '/v1/runs?flow=todayNews');
  expect(body.items.filter(({ parent }: Body) => parent?.run === id)).toHaveLength(3);
});

test('longJob polls until the job is done, and waits to be called back', async () => {
  let looks = 0;
  await using service = await startHttpServer((_, response) => {
    looks += 1;
    const job = looks < 3 ? { status: 'working' } : { status: 'done', result: 42 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(job));
  });
  const { id } = await run('longJob', { status: service.origin }, 'async');
  await until(id, 'waiting');
  await expect
    .poll(async () => (await api.call('GET', `/v1/runs/${id}`)).body.waitingFor, { timeout: 20_000 })
    .toBe('callback');
  const { body } = await api.call('GET', `/v1/runs/${id}/nodes`);
  const { wait } = body.items.find(({ path }: Body) => path === 'confirm');
  expect((await api.call('POST', new URL(wait.prompt.url).pathname, { by: 'Ada' })).status).toBe(202);
  expect((await until(id, 'succeeded')).outputs).toEqual({ result: 42, rounds: 3, confirmedBy: 'Ada' });
});
