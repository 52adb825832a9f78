import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { allEvents } from '../support/sse.ts';

const PUBLISH = `
flow: 1
name: publish
inputs:
  draft: { type: text, default: Hello }
  patience: { type: string, default: 1h }
nodes:
  review:
    type: approval
    timeout: 1h
    with:
      message: "Publish '\${{ $inputs.draft }}'?"
      assignees: [desk]
      form: { reason: { type: string, maxLength: 20 }, stars: { type: integer, required: true, min: 1, max: 5 } }
      actions: [{ id: approve, title: Publish }, { id: reject, title: Drop }]
  out: { type: set, needs: review:approve, with: { values: { text: "\${{ $inputs.draft }}" } } }
  dropped: { type: set, needs: review:reject, with: { values: { text: Dropped } } }
  result: { type: first, with: { values: ["\${{ $nodes.out.text }}", "\${{ $nodes.dropped.text }}"] } }
outputs:
  text: \${{ $nodes.result }}
  decision: \${{ $nodes.review }}
`;
const HURRY = `
flow: 1
name: hurry
nodes:
  review: { type: approval, timeout: 1s, with: { message: Quick! } }
  late: { type: set, needs: review:timeout, with: { values: { text: Too late } } }
outputs: { text: "\${{ $nodes.late.text }}" }
`;
const CHAT = `
flow: 1
name: chat
inputs: { query: { type: string, default: hello } }
nodes:
  greet: { type: reply, with: { message: "Welcome, you said \${{ $inputs.query }}" } }
  ask: { type: question, needs: greet, with: { message: Which colour?, options: [red, blue] } }
  thanks: { type: reply, with: { message: "\${{ $nodes.ask }} it is" } }
outputs: { colour: "\${{ $nodes.ask }}" }
`;
const CHILD = `
flow: 1
name: child
inputs:
  n: { type: integer, required: true }
  delay: { type: string, default: 0s }
nodes:
  timer: { type: wait, with: { for: "\${{ $inputs.delay }}" } }
  check: { type: switch, needs: timer, with: { cases: [{ id: bad, when: $inputs.n < 0 }] } }
  stop: { type: fail, needs: check:bad, with: { code: negative, message: Below zero } }
  twice: { type: set, needs: check:else, with: { values: { n: "\${{ $inputs.n * 2 }}" } } }
outputs: { n: "\${{ $nodes.twice.n }}" }
`;
const PARENT = `
flow: 1
name: parent
inputs:
  n: { type: integer, default: 21 }
  delay: { type: string, default: 0s }
nodes:
  sub: { type: flow, with: { name: child, inputs: { n: "\${{ $inputs.n }}", delay: "\${{ $inputs.delay }}" } } }
  aside: { type: flow, with: { name: child, mode: detach, inputs: { n: 1 } } }
  saved: { type: set, needs: sub:error, with: { values: { n: "\${{ $errors.sub.code }}" } } }
outputs: { n: "\${{ $nodes.sub.n }}", aside: "\${{ $nodes.aside.run }}", saved: "\${{ $nodes.saved.n }}" }
`;
const CIRCLE = `
flow: 1
name: circle
nodes: { again: { type: flow, with: { name: circle } } }
outputs: { x: "\${{ $nodes.again.x }}" }
`;
const COUNT = `
flow: 1
name: count
nodes:
  loop:
    type: group
    repeat: { vars: { n: 0 }, next: { n: "\${{ $vars.n + 1 }}" }, until: $vars.n >= 3, max: 10 }
    with:
      nodes: { step: { type: set, with: { values: { seen: "\${{ $vars.n }}" } } } }
      output: \${{ $nodes.step.seen }}
outputs: { last: "\${{ $nodes.loop }}" }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  const flows = {
    publish: PUBLISH,
    hurry: HURRY,
    chat: CHAT,
    child: CHILD,
    parent: PARENT,
    circle: CIRCLE,
    count: COUNT,
  };
  for (const [name, source] of Object.entries(flows)) await publishFlow(api, name, source);
}, 120_000);
afterAll(() => runtime?.stop());

const start = (flow: string, body: object) => api.call('POST', `/v1/flows/${flow}/runs`, body);
const read = async (id: string): Promise<Body> => (await api.call('GET', `/v1/runs/${id}`)).body;
const signal = (id: string, path: string, answer: unknown) =>
  api.call('POST', `/v1/runs/${id}/signals/${path}`, JSON.stringify(answer));

async function until(id: string, status: string): Promise<Body> {
  let run: Body;
  const look = async () => {
    run = await read(id);
    return run.status;
  };
  await expect.poll(look, { timeout: 30_000, interval: 100 }).toBe(status);
  return run;
}

describe('an approval', () => {
  test('shows what is to be decided, and goes on by the action that was chosen', async () => {
    const { body } = await start('publish', { mode: 'async', inputs: { draft: 'News' } });
    expect(await until(body.id, 'waiting')).toMatchObject({ waitingFor: 'approval' });
    const { items } = (await api.call('GET', `/v1/runs/${body.id}/nodes`)).body;
    expect(items[0].wait.prompt).toMatchObject({
      message: "Publish 'News'?",
      assignees: ['desk'],
      actions: [{ id: 'approve', title: 'Publish' }, { id: 'reject' }],
      form: [
        { name: 'reason', type: 'string' },
        { name: 'stars', type: 'integer', required: true },
      ],
      url: expect.stringContaining('/v1/signals/'),
    });
    expect((await signal(body.id, 'review', { action: 'approve', form: { stars: 5 }, by: 'Mo' })).status).toBe(202);
    expect((await until(body.id, 'succeeded')).outputs).toEqual({
      text: 'News',
      decision: { action: 'approve', form: { reason: null, stars: 5 }, by: 'Mo' },
    });
  });

  test.each([
    [{ action: 'publish' }, 'action'],
    [{ action: 'approve' }, 'form.stars'],
    [{ action: 'approve', form: { stars: 9 } }, 'form.stars'],
    [{ action: 'approve', form: { stars: 3, mood: 'good' } }, 'form.mood'],
    ['yes', 'action'],
  ])('refuses %j, naming %s, and goes on waiting', async (answer, field) => {
    const { body } = await start('publish', { mode: 'async' });
    await until(body.id, 'waiting');
    const refused = await signal(body.id, 'review', answer);
    expect([refused.status, refused.body.error.details[0].field]).toEqual([400, field]);
    expect((await read(body.id)).status).toBe('waiting');
    await api.call('POST', `/v1/runs/${body.id}/cancel`);
  });

  test('takes the branch timeout when nobody decides', async () => {
    const { body } = await start('hurry', { mode: 'async' });
    expect((await until(body.id, 'succeeded')).outputs).toEqual({ text: 'Too late' });
  });
});

describe('a conversation', () => {
  test('is said, asked and answered while its caller follows', async () => {
    const response = await fetch(`${api.baseUrl}/v1/flows/chat/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mode: 'stream' }),
    });
    const events = await allEvents(response);
    const said = events.filter(({ event }) => event === 'node.delta').map(({ data }) => data.text);
    expect(said).toEqual(['Welcome, you said hello']);
    expect(events.at(-1)).toMatchObject({ event: 'run.waiting', data: { waitingFor: 'question' } });
    const { id } = events[0]?.data ?? {};
    const refused = await signal(id, 'ask', 'green');
    expect([refused.status, refused.body.error.details]).toEqual([
      400,
      [{ field: 'answer', message: 'must be one of red, blue' }],
    ]);
    expect((await signal(id, 'ask', 'blue')).status).toBe(202);
    expect((await until(id, 'succeeded')).outputs).toEqual({ colour: 'blue' });
  });

  test('cannot be had asynchronously: node and line are named', async () => {
    const { status, body } = await start('chat', { mode: 'async' });
    expect([status, body.error.code]).toEqual([400, 'async-unsupported']);
    expect(body.error.details).toContainEqual({ field: 'nodes.ask', line: 7, message: 'asks the end user a question' });
  });

  test("goes on with the next call of Huawei's client", async () => {
    const { credentials } = (await api.call('POST', '/v1/keys', { dialect: 'huawei', flow: 'chat' })).body;
    const say = async (query: string): Promise<string> => {
      const answer = await fetch(`${api.baseUrl}/v1/p/workflows/chat/conversations/c-77`, {
        method: 'POST',
        headers: { 'x-auth-token': credentials.token, 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: { query } }),
      });
      return answer.text();
    };
    const asked = await say('hi');
    expect(asked).toContain('Welcome, you said hi');
    expect(asked).toContain('Which colour?');
    expect(asked).not.toContain('"node_type":"End"');
    const answered = await say('red');
    expect(answered).toContain('red it is');
    expect(answered).toContain('"node_type":"End"');
  });
});

describe('a flow within a flow', () => {
  test('is a run of its own, whose outputs the parent gets', async () => {
    const { body } = await start('parent', { inputs: { n: 21 } });
    expect(body).toMatchObject({ status: 'succeeded', outputs: { n: 42 } });
    const detached = await until(body.outputs.aside, 'succeeded');
    expect(detached).toMatchObject({ flow: 'child', outputs: { n: 2 }, parent: { run: body.id, path: 'aside' } });
  });

  test('wakes a parent that waits', async () => {
    const { body } = await start('parent', { mode: 'async', inputs: { n: 1, delay: '3s' } });
    expect((await until(body.id, 'succeeded')).outputs.n).toBe(2);
  });

  test('fails its node when it fails, which the parent may handle', async () => {
    const { body } = await start('parent', { inputs: { n: -1 } });
    expect(body).toMatchObject({ status: 'succeeded', outputs: { n: null, saved: 'negative' } });
  });

  test('is canceled with its parent', async () => {
    const { body } = await start('parent', { mode: 'async', inputs: { delay: '10m' } });
    const child = async () =>
      (await api.call('GET', '/v1/runs?flow=child&limit=20')).body.items.find(
        (run: Body) => run.parent?.run === body.id && run.parent.path === 'sub',
      );
    await expect.poll(async () => (await child())?.status, { timeout: 10_000 }).toBe('waiting');
    await api.call('POST', `/v1/runs/${body.id}/cancel`);
    expect((await until(body.id, 'canceled')).status).toBe('canceled');
    await expect.poll(async () => (await child()).status, { timeout: 10_000 }).toBe('canceled');
  });

  test('ends a circle', async () => {
    const { body } = await start('circle', { mode: 'async' });
    expect((await until(body.id, 'failed')).error.message).toContain('at most 3 deep');
  });
});

test('a group repeats until its condition holds', async () => {
  expect((await start('count', {})).body).toMatchObject({ status: 'succeeded', outputs: { last: 2 } });
});
