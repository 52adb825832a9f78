// What holds for every dialect: each error code has its form, each call has a case file, and one writer makes the events.

import { describe, expect, test } from 'vitest';
import type { ApiRequest } from '../../lambdas/core/dialects/dialect.ts';
import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import { PING, writeEvent } from '../../lambdas/core/dialects/sse.ts';
import { ApiError, ERRORS, type ErrorCode } from '../../lambdas/core/errors.ts';
import { readCaseFiles } from '../support/dialect-cases.ts';

const request: ApiRequest = {
  id: 'req-1',
  receivedAt: 0,
  method: 'POST',
  path: '/',
  origin: 'https://errand.example.com',
  headers: {},
  query: new URLSearchParams(),
  body: new Uint8Array(),
};
const vendors = DIALECTS.filter(({ name }) => name !== 'native');

describe.each(DIALECTS)('$name', (dialect) => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('has its own form of %s', (code) => {
    const reply = dialect.renderError(new ApiError(code, 'What is wrong'), request);
    expect(reply.status).toBe(dialect.errors[code].status);
    const body = reply.body && 'json' in reply.body ? reply.body.json : undefined;
    expect(dialect.errorSchema.safeParse(body).error?.issues ?? []).toEqual([]);
    expect(JSON.stringify(body)).toContain(JSON.stringify(dialect.errors[code].code));
  });
});

test('every call of a vendor has a case', async () => {
  const cases = await readCaseFiles();
  const listRequests = (vendor: string) =>
    cases.filter((it) => it.vendor === vendor).flatMap(({ test: { steps } }) => steps.map(({ request: it }) => it));
  const missing = vendors.flatMap(({ name, routes }) =>
    routes.filter(({ method, path }) => {
      const pattern = new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/?]+')}/?(\\?|$)`);
      return !listRequests(name).some((it) => it.method === method && pattern.test(it.path));
    }),
  );
  expect(missing.map(({ id }) => id)).toEqual([]);
});

describe('a server-sent event', () => {
  test.each([
    [
      'has its fields in order',
      writeEvent({ data: { a: 1 }, event: 'b', id: 2 }),
      'id: 2\nevent: b\ndata: {"a":1}\n\n',
    ],
    ['can do without the space', writeEvent({ data: [1], event: 'b' }, ':'), 'event:b\ndata:[1]\n\n'],
    ['may be a comment', writeEvent(PING.comment, ':'), ': ping\n\n'],
    ['may have no data', writeEvent(PING.event), 'event: ping\n\n'],
    ['may be a bare line break', writeEvent(PING.lineBreak), '\n'],
  ])('%s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
});
