// Requests that could be read in two ways, or that are larger inside than outside.

import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Holder, makeWholeApi, type WholeApi } from '../support/whole-api.ts';

let api: WholeApi;
let owner: Holder;
let rival: Holder;

beforeAll(async () => {
  api = await makeWholeApi();
  owner = await api.issue('acme', { scopes: ['run', 'admin'] });
  rival = await api.issue('rival', { scopes: ['run', 'admin'] });
});

const bearer = ({ credentials }: Holder) => `Bearer ${credentials['key']}`;

describe('a header that comes twice', () => {
  test.each([
    ['in one spelling', () => ({ authorization: [bearer(owner), bearer(rival)] })],
    ['in two spellings', () => ({ Authorization: [bearer(owner)], authorization: [bearer(rival)] })],
    ['with the good one last', () => ({ authorization: ['Bearer guessed'], Authorization: [bearer(owner)] })],
  ])('opens nothing where it is Authorization, %s', async (_, repeated) => {
    expect((await api.call({ path: '/v1/me', repeated: repeated() })).status).toBe(401);
  });

  test('opens nothing where it is X-Auth-Token', async () => {
    const { credentials } = await api.issue('acme', { dialect: 'huawei', flow: 'x' });
    const path = '/v1/p/conversations/c/cancel';
    const token = credentials['token'] ?? '';
    const sent = (tokens: string[]) => api.call({ method: 'POST', path, repeated: { 'x-auth-token': tokens } });
    expect((await sent([token])).status).not.toBe(401);
    expect((await sent([token, token])).status).toBe(401);
  });

  test('is one value of an Idempotency-Key, not two of which one counts', async () => {
    const repeated = { authorization: [bearer(owner)], 'idempotency-key': ['a', 'b'.repeat(255)] };
    const { status } = await api.call({ path: '/v1/flows/x/runs', body: {}, repeated });
    expect(status).toBe(400);
  });
});

describe('a body', () => {
  const echo =
    'flow: 1\nname: echo\ninputs: { text: { type: string }, tone: { type: enum, options: [plain, loud] } }\nnodes: { say: { type: set, with: { values: { text: "${{ $inputs.text }}" } } } }\noutputs: { text: "${{ $nodes.say.text }}" }\n';
  const run = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    api.call({ path: '/v1/flows/echo/runs', body, headers }, owner);

  beforeAll(() => api.publishAs(owner, echo));

  test('is read once, so of a name that comes twice everybody sees the last', async () => {
    const { text } = await run('{"inputs": {"text": "first"}, "inputs": {"text": "last"}}');
    expect(JSON.parse(text)).toMatchObject({ inputs: { text: 'last' }, outputs: { text: 'last' } });
  });

  test('is not unpacked, so that it cannot grow', async () => {
    const packed = gzipSync(JSON.stringify({ inputs: { text: 'x'.repeat(100_000_000) } }));
    const answer = await run(packed, { 'content-encoding': 'gzip' });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('not valid UTF-8')]);
  });

  test('with an object that cannot be written as text is refused like any other', async () => {
    const odd = '{"toString": 1, "valueOf": null}';
    const issued = await api.call({ path: '/v1/keys', body: `{"scopes": [${odd}]}` }, owner);
    const asked = await api.call({ path: '/v1/flows/echo/runs', body: `{"inputs": {"tone": ${odd}}}` }, owner);
    for (const { status, text } of [issued, asked])
      expect([status, text]).toEqual([400, expect.stringContaining('one of')]);
  });

  test.each([
    ['a number beyond all numbers', '{"inputs": {"text": 1e999}}'],
    ['a prototype', '{"inputs": {"__proto__": {"text": "x"}, "constructor": {"prototype": {"text": "x"}}}}'],
    ['a million brackets', '['.repeat(1_000_000)],
    ['a name without end', `{"inputs": {"${'k'.repeat(1_000_000)}": 1}}`],
    [
      'a webhook header without end',
      JSON.stringify({ webhooks: [{ url: 'x', headers: { ['é'.repeat(400_000)]: '' } }] }),
    ],
    ['many names', `{"inputs": {${Array.from({ length: 60_000 }, (_, n) => `"k${n}": 1`).join()}}}`],
  ])('that holds %s is refused at once', async (_, body) => {
    const began = performance.now();
    const answer = await run(body);
    expect([answer.status, answer.text.length < 20_000]).toEqual([400, true]);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(({} as Record<string, unknown>)['text']).toBeUndefined();
  });
});
