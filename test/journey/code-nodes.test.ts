import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { hasPython } from '../support/python.ts';
import { startTestRuntime } from '../support/runtime.ts';

const SCORES = `
flow: 1
name: scores
inputs:
  tickets: { type: array, required: true }
nodes:
  score:
    type: code
    each: { in: $inputs.tickets, concurrency: 4 }
    with:
      language: python
      args: { text: "\${{ $item.text }}", tier: "\${{ $item.tier }}" }
      source: |
        import re

        def main(text, tier):
            words = re.findall(r"urgent|broken|refund", text.lower())
            return {"score": len(words) + (2 if tier == "gold" else 0)}
      returns: { type: object, required: [score], properties: { score: { type: integer } } }
  rank:
    type: code
    with:
      language: javascript
      args: { scores: "\${{ $nodes.score.score }}" }
      source: |
        export async function main({ scores }) {
          const list = [scores].flat();
          return { order: list.map((score, ticket) => ({ ticket, score })).sort((a, b) => b.score - a.score) };
        }
outputs:
  order: \${{ $nodes.rank.order }}
`;

const BROKEN = `
flow: 1
name: brokenCode
inputs:
  language: { type: string }
nodes:
  py:
    type: code
    when: $inputs.language = 'python'
    with:
      language: python
      source: |
        def main():
            print("so far so good")
            return {"a": 1 / 0}
  js:
    type: code
    when: $inputs.language = 'javascript'
    with:
      language: javascript
      source: |
        export function main() {
          console.log('so far so good');
          return { a: nobody };
        }
outputs: {}
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'scores', SCORES);
  await publishFlow(api, 'brokenCode', BROKEN);
  await publishFlow(api, 'ticketTriage', await readFile('flows/ticket-triage.yaml', 'utf8'));
}, 120_000);
afterAll(() => runtime?.stop());

test.runIf(hasPython)(
  'runs Python per item and JavaScript over the results, through the functions of the template',
  async () => {
    const tickets = [
      { text: 'Where is my invoice?', tier: 'basic' },
      { text: 'URGENT: the pump is broken', tier: 'gold' },
      { text: 'I want a refund', tier: 'basic' },
    ];
    const { status, body } = await api.call('POST', '/v1/flows/scores/runs', { inputs: { tickets } });
    expect([status, body.error]).toEqual([200, null]);
    expect(body.outputs.order).toEqual([
      { ticket: 1, score: 4 },
      { ticket: 2, score: 1 },
      { ticket: 0, score: 0 },
    ]);
  },
);

const ENDS = [
  ['python', 'The code failed at line 3: ZeroDivisionError: division by zero'],
  ['javascript', 'The code failed at line 3: ReferenceError: nobody is not defined'],
].filter(([language]) => language === 'javascript' || hasPython) as [string, string][];

test.each(ENDS)('reports the line and the last output of %s that fails', async (language, message) => {
  const { body } = await api.call('POST', '/v1/flows/brokenCode/runs', { inputs: { language } });
  expect(body).toMatchObject({ status: 'failed', error: { code: 'node-failed', message } });
  const printed = { field: 'printed', message: 'so far so good\n' };
  expect(body.error.details).toEqual([expect.objectContaining({ field: 'with.source', line: 3 }), printed]);
});

test.runIf(!hasPython)('says what Python needs where there is none', async () => {
  const { body } = await api.call('POST', '/v1/flows/brokenCode/runs', { inputs: { language: 'python' } });
  expect(body.error.message).toBe('The code could not be run: Python needs python3 on the PATH of this machine');
});

const TICKETS = [
  [
    { ticket: 'I was charged twice for #4711, please refund!', tier: 'gold', customer: 'Ada' },
    {
      topic: 'billing',
      priority: 'high',
      queue: 'accounts',
      answer: 'Hello Ada, thank you. We look into order 4711. You get an answer within the hour.',
    },
  ],
  [
    { ticket: 'The export fails with an error, urgent' },
    {
      topic: 'bug',
      priority: 'normal',
      queue: 'engineering',
      answer: 'Hello, thank you. Our engineers have it. You get an answer today.',
    },
  ],
  [
    { ticket: 'Do you ship to the moon?' },
    {
      topic: 'other',
      priority: 'low',
      queue: 'front-desk',
      answer: 'Hello, thank you. Somebody will read it today. You get an answer this week.',
    },
  ],
] as const;

test.runIf(hasPython).each(TICKETS)('sorts the ticket %j', async (inputs, outputs) => {
  const { body } = await api.call('POST', '/v1/flows/ticketTriage/runs', { inputs });
  expect([body.error, body.outputs]).toEqual([null, outputs]);
});
