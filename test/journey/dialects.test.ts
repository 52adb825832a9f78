import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { authenticateAs } from '../support/dialect-auth.ts';
import { type CaseStep, fillIn, findMisfits, readCaseFiles, readCaseFlows } from '../support/dialect-cases.ts';
import { startTestRuntime } from '../support/runtime.ts';

const cases = await readCaseFiles();
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  for (const [name, source] of Object.entries(await readCaseFlows())) await publishFlow(api, name, source);
}, 120_000);
afterAll(() => runtime?.stop());

interface Seen {
  status: number;
  headers: Headers;
  body: unknown;
  frames: unknown[];
}

async function perform(request: CaseStep['request'], auth: Record<string, string>): Promise<Seen> {
  const { method, path, headers = {}, body } = request;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const url = new URL(`${api.baseUrl}${path}`);
  const type: Record<string, string> = text === undefined ? {} : { 'content-type': 'application/json' };
  const sent = { ...type, ...headers };
  const proof = authenticateAs(request.auth ?? 'default', { method, url, headers: sent, body: text ?? '' }, auth);
  const answer = await fetch(url, {
    method,
    headers: { ...sent, ...proof },
    body: text,
  });
  const answered = await answer.text();
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  return {
    status: answer.status,
    headers: answer.headers,
    body: isStream || answered === '' ? undefined : parsed(answered),
    frames: isStream ? readEvents(answered) : [],
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An event that has only data is its JSON; others are their text. */
function readEvents(stream: string): unknown[] {
  const events = stream.split('\n\n').filter((event) => event.trim() !== '' && !/^(: |event: ping)/.test(event.trim()));
  return events.map((event) => (event.startsWith('data:') ? parsed(event.slice('data:'.length)) : event));
}

function findProblems(seen: Seen, expected: CaseStep['answer']): string[] {
  const headers = Object.entries(expected.headers ?? {});
  return [
    ...findMisfits(seen.status, expected.status, 'status'),
    ...headers.flatMap(([name, value]) => findMisfits(readHeader(seen.headers, name), value, `header ${name}`)),
    ...('body' in expected ? findMisfits(seen.body, expected.body, 'body') : []),
    ...(expected.frames ? findMisfits(seen.frames, expected.frames, 'frames') : []),
  ];
}

/** API Gateway renames WWW-Authenticate (docs/dialects.md). */
const readHeader = (headers: Headers, name: string): string | null =>
  headers.get(name) ?? headers.get(`x-amzn-remapped-${name}`);

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((it, key) => (it as Record<string, unknown> | undefined)?.[key], value);

describe.each(cases)('$vendor $test.title', ({ vendor, test: { key, steps } }) => {
  test('answers as its clients expect', async () => {
    const issued = await api.call('POST', '/v1/keys', { ...key, dialect: vendor });
    expect(issued.status, JSON.stringify(issued.body)).toBe(201);
    const kept: Record<string, unknown> = { ...issued.body.credentials, baseUrl: api.baseUrl };
    for (const [index, step] of steps.entries()) {
      const { request, answer } = fillIn({ request: step.request, answer: step.answer }, kept);
      let seen = await perform(request, { dialect: vendor, ...issued.body.credentials });
      if (step.until) {
        await expect
          .poll(
            async () => {
              seen = await perform(request, { dialect: vendor, ...issued.body.credentials });
              return findProblems(seen, answer);
            },
            { timeout: 20_000, interval: 100 },
          )
          .toEqual([]);
      }
      const detail = JSON.stringify(
        { step: index + 1, status: seen.status, body: seen.body, frames: seen.frames },
        null,
        1,
      );
      expect(findProblems(seen, answer), detail).toEqual([]);
      const named = Object.entries(step.keep ?? {}).map(([name, path]) => [
        name,
        at({ ...seen, ...(seen.body as object) }, path),
      ]);
      Object.assign(kept, Object.fromEntries(named));
    }
  });
});
