// GPTBots: what is refused in its own words, files by their content, and an input that comes back as it was sent.

import { describe, expect, test } from 'vitest';
import { type Answer, makeDialectApi } from '../support/dialect-api.ts';
import { findTypeMisfits, makeInterfaces } from '../support/vendor-types.ts';

// As the vendor's page has them (seed 003).
const types = makeInterfaces({
  Result: {
    workflowId: 'string',
    workflowName: 'string',
    workflowVersion: 'string',
    workflowRunId: 'string',
    input: 'object',
    output: 'object',
    workflowExecutionTime: 'number',
    status: 'string',
    totalCost: 'number',
    totalTokens: 'number',
    startTime: 'number',
    endTime: 'number',
  },
  Accepted: {
    workflowId: 'string',
    workflowName: 'string',
    workflowVersion: 'string',
    workflowRunId: 'string',
    status: 'string',
  },
});

const FORM = `
flow: 1
name: form
inputs:
  topic: { type: string, default: news, alias: [subject] }
  count: { type: integer, default: 3 }
  report: { type: file }
  more: { type: object }
nodes: { say: { type: set, with: { values: { text: "\${{ $inputs.topic }}", name: "\${{ $inputs.report.name }}" } } } }
outputs: { text: "\${{ $nodes.say.text }}", name: "\${{ $nodes.say.name }}" }
`;

const makeGptbots = async () => {
  const api = await makeDialectApi({ flows: [FORM], dialect: 'gptbots', flow: 'form' });
  const invoke = async (body: object) => {
    const { status, json } = await api.call({ path: '/v1/workflow/invoke', body });
    return { status, body: json() as Answer };
  };
  const query = async (workflowRunId: string) =>
    (await api.call({ path: '/v1/workflow/query/result', body: { workflowRunId } })).json() as Answer;
  return { ...api, invoke, query };
};

test('results have the fields and types of the documentation', async () => {
  const { invoke, query, work } = await makeGptbots();
  const { body: result } = await invoke({ input: { topic: 'News' } });
  expect(findTypeMisfits(types, 'Result', result)).toEqual([]);
  const { body: accepted } = await invoke({ input: {}, isAsync: true });
  expect(findTypeMisfits(types, 'Accepted', accepted)).toEqual([]);
  await work();
  expect(findTypeMisfits(types, 'Result', await query(accepted.workflowRunId))).toEqual([]);
});

describe('the input comes back as it was sent', () => {
  test.each([
    ['without defaults, by the name that the caller used', { subject: 'sport' }],
    ['with its file by address', { report: { format: 'pdf', url: 'https://example.com/r.pdf' } }],
    ['with texts that are too long for the run record', { topic: 'long '.repeat(1_000) }],
  ])('%s', async (_, input) => {
    const { invoke, query } = await makeGptbots();
    const { body } = await invoke({ input });
    expect([body.status, body.input]).toEqual(['SUCCEED', input]);
    expect((await query(body.workflowRunId)).input).toEqual(input);
  });

  test('with a file by content as the upload that was made of it', async () => {
    const { invoke } = await makeGptbots();
    const { body } = await invoke({ input: { report: { format: 'pdf', base64_content: 'JVBERg==', name: 'r.pdf' } } });
    expect(body.input.report).toMatchObject({ format: 'pdf', name: 'r.pdf', size: 4 });
    expect(body.input.report).not.toHaveProperty('base64_content');
  });
});

describe('files by content', () => {
  const base64 = (bytes: number) => Buffer.alloc(bytes, 'x').toString('base64');

  test('may have 3 MB', async () => {
    const { invoke } = await makeGptbots();
    const report = { format: 'txt', name: 'big.txt', base64_content: base64(3 * 1_024 * 1_024) };
    expect(await invoke({ input: { report } })).toMatchObject({ status: 200, body: { output: { name: 'big.txt' } } });
  });

  test("are refused above that in the vendor's form, which says what to do", async () => {
    const { invoke } = await makeGptbots();
    const report = { format: 'txt', base64_content: base64(4 * 1_024 * 1_024) };
    const { status, body } = await invoke({ input: { report } });
    expect([status, body]).toEqual([413, { code: 40000, message: expect.stringContaining('by `url`') }]);
  });

  test('are not kept where the call is refused', async () => {
    const { invoke, ports } = await makeGptbots();
    let kept = 0;
    const add = ports.files.add;
    ports.files.add = (file) => {
      kept += 1;
      return add(file);
    };
    const report = { format: 'txt', base64_content: base64(3) };
    expect((await invoke({ input: { report, count: 'many' } })).status).toBe(400);
    expect(kept).toBe(0);
    expect((await invoke({ input: { report } })).status).toBe(200);
    expect(kept).toBe(1);
  });

  test('are refused where they are not base64', async () => {
    const { invoke } = await makeGptbots();
    const { status, body } = await invoke({ input: { report: { format: 'txt', base64_content: '%%%' } } });
    expect([status, body]).toEqual([400, { code: 40000, message: 'input.report.base64_content must be base64' }]);
  });
});

describe('a wrong webhook is refused in words', () => {
  const url = 'https://example.com/done';
  test.each([
    ['without its method', [{ url }], 'webhook[0].method is required'],
    ['without its url', [{ method: 'POST', url }, { method: 'GET' }], 'webhook[1].url is required'],
    [
      'with a method that is none',
      [{ method: 'SHOUT', url }],
      'webhook[0].method must be one of GET, POST, PUT, PATCH, DELETE',
    ],
    [
      'with headers that are no map',
      [{ method: 'POST', url, headers: 'x' }],
      'webhook[0].headers must be a map, not a string',
    ],
    ['that is no list', { method: 'POST', url }, 'webhook must be a list, not a map'],
  ])('%s', async (_, webhook, message) => {
    const { invoke, runs } = await makeGptbots();
    expect(await invoke({ input: {}, isAsync: true, webhook })).toEqual({
      status: 400,
      body: { code: 40000, message },
    });
    expect(runs.runs.size).toBe(0);
  });

  test('but is ignored in a synchronous call, as in the documentation', async () => {
    const { invoke } = await makeGptbots();
    expect((await invoke({ input: {}, webhook: [{ url }] })).status).toBe(200);
  });
});
