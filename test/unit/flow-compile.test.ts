import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compile } from '../../lambdas/core/flow/compile.ts';
import type { Plan, PlanNode } from '../../lambdas/core/flow/plan.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';

const HEAD = 'flow: 1\nname: sample\n';
const SET = '{ type: set, with: { values: {} } }';

async function compilePlan(source: string): Promise<Plan> {
  const { plan, problems } = await compile(source, NODE_KINDS);
  expect(problems).toEqual([]);
  if (!plan) throw new Error('no plan');
  return plan;
}

function find(nodes: readonly PlanNode[], id: string): PlanNode {
  const node = nodes.find((it) => it.id === id);
  if (!node) throw new Error(`no node ${id}`);
  return node;
}

const compileDigest = async (source: string) => (await compile(source, NODE_KINDS)).digest;

describe('a plan', () => {
  test.each(['hello', 'slow-approval', 'today-news'])('is made of the example %s', async (name) => {
    const plan = await compilePlan(await readFile(`flows/${name}.yaml`, 'utf8'));
    expect(plan.format).toBe(1);
  });

  test('is made of the example of its documentation', async () => {
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(await readFile('docs/flow-format.md', 'utf8')) ?? [];
    const plan = await compilePlan(example);
    expect(find(plan.nodes, 'confirm').waitsFor).toEqual(['size', 'customer']);
  });

  test('says everything that the source leaves out', async () => {
    const plan = await compilePlan(`${HEAD}nodes:\n  one: { type: set, with: { values: { a: 1 } } }\n`);
    expect(plan).toEqual({
      format: 1,
      name: 'sample',
      inputs: {},
      models: {},
      env: {},
      secrets: [],
      plugins: {},
      settings: { mode: 'any', timeoutMs: 86_400_000, concurrency: 20 },
      nodes: [
        {
          id: 'one',
          type: 'set',
          with: { values: { a: 1 } },
          needs: [],
          waitsFor: [],
          join: 'all',
          retry: { max: 0, delayMs: 1_000, backoff: 2, maxDelayMs: 60_000, jitter: true },
          timeoutMs: 5_000,
          onError: 'fail',
        },
      ],
      outputs: {},
    });
  });

  describe('of a flow with every modifier', async () => {
    const plan = await compilePlan(await readFile('test/fixtures/flows/branches.yaml', 'utf8'));

    test('holds inputs, settings and outputs in its own units', () => {
      expect(plan.inputs['_query']).toEqual({ type: 'text', alias: ['_sys_origin_query'], hidden: true });
      expect(plan.settings).toEqual({ mode: 'any', timeoutMs: 7_200_000, maxCostMicros: 500_000, concurrency: 4 });
      expect(plan.outputs).toEqual({
        answer: { type: 'string', title: 'Answer', value: '${{ $nodes.answer }}' },
        lines: { type: 'array', value: '${{ $nodes.lines }}' },
      });
    });

    test('holds policies in its own units', () => {
      const customer = find(plan.nodes, 'customer');
      expect(customer).toMatchObject({
        needs: [
          { node: 'kind', port: 'large' },
          { node: 'kind', port: 'small' },
        ],
        waitsFor: ['kind'],
        join: 'any',
        retry: { max: 3, delayMs: 2_000, backoff: 3, maxDelayMs: 60_000, jitter: false, on: ['node-timed-out'] },
        timeoutMs: 30_000,
        onError: { output: { tier: 'unknown', why: '${{ $error.code }}' } },
      });
      expect(find(plan.nodes, 'lines')).toMatchObject({
        when: '$nodes.customer.tier != "banned"',
        each: { in: '$inputs.order.lines', concurrency: 3, max: 100, onItemError: 'skip', flatten: true },
        timeoutMs: 86_400_000,
      });
    });

    test('lets a group wait for what its inside mentions of the outside', () => {
      const lines = find(plan.nodes, 'lines');
      expect(lines.waitsFor).toEqual(['customer']);
      expect(lines.with).toEqual({ output: '${{ $nodes.price.sum + $index }}' });
      const rounds = find(lines.nodes ?? [], 'rounds');
      expect(rounds.needs).toEqual([{ node: 'price' }]);
      expect(rounds.repeat).toEqual({
        max: 3,
        until: '$nodes.step.n >= 2',
        vars: { n: 0 },
        next: { n: '${{ $vars.n + 1 }}' },
      });
      expect(find(rounds.nodes ?? [], 'step')).toMatchObject({ needs: [], waitsFor: [] });
    });

    test('knows what a template mentions', () => {
      expect(find(plan.nodes, 'text').needs).toEqual([{ node: 'lines' }]);
    });

    test('lets `first` go on with whatever ran', () => {
      expect(find(plan.nodes, 'answer')).toMatchObject({ join: 'settled', needs: [{ node: 'text' }] });
    });
  });

  test('takes JSON as well as YAML, tabs included', async () => {
    const flow = { flow: 1, name: 'sample', nodes: { one: { type: 'set', with: { values: { a: '${{ 1 }}' } } } } };
    const yaml = `${HEAD}nodes:\n  one:\n    type: set\n    with: { values: { a: "\${{ 1 }}" } }\n`;
    expect(await compilePlan(JSON.stringify(flow, null, '\t'))).toEqual(await compilePlan(yaml));
  });

  test('takes bare expressions with and without their brackets', async () => {
    const source = (when: string) =>
      `${HEAD}nodes:\n  a: { type: set, with: { values: { x: 1 } } }\n  b: { type: set, when: '${when}', each: '${when}', with: { values: {} } }\n`;
    const [bare] = (await compilePlan(source('$nodes.a.x'))).nodes.slice(1);
    const [wrapped] = (await compilePlan(source('${{ $nodes.a.x }}'))).nodes.slice(1);
    expect(wrapped).toEqual(bare);
  });

  test('takes a list that is written out', async () => {
    const plan = await compilePlan(
      `${HEAD}nodes:\n  a: { type: set, each: { in: [1, "two"] }, with: { values: { x: "\${{ $item }}" } } }\n`,
    );
    expect(plan.nodes[0]?.each?.in).toBe('[1,"two"]');
  });

  test('takes one expression for all outputs', async () => {
    const plan = await compilePlan(`${HEAD}nodes: { a: ${SET} }\noutputs: "\${{ $nodes.a }}"\n`);
    expect(plan.outputs).toEqual({ expression: '${{ $nodes.a }}' });
  });

  test('shares nothing between the places of an alias', async () => {
    const plan = await compilePlan(
      `${HEAD}nodes:\n  a: { type: set, with: &w { values: { x: { y: 1 } } } }\n  b: { type: set, with: *w }\n`,
    );
    expect(plan.nodes[1]?.with).toEqual(plan.nodes[0]?.with);
    expect(plan.nodes[1]?.with['values']).not.toBe(plan.nodes[0]?.with['values']);
  });
});

describe('the digest of a plan', () => {
  const source = `${HEAD}inputs: { a: { type: string, title: A } }\nnodes: { one: { type: set, title: T, with: { values: { x: 1, y: 2 } } }, two: ${SET} }\n`;

  test('is a sha256, the same for the same content', async () => {
    const digest = await compileDigest(source);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await compileDigest(`# a comment\n${source}`)).toBe(digest);
  });

  test('does not see the order of keys or the canvas', async () => {
    const reordered = `ui: { x: 1 }\nnodes: { two: { with: { values: {} }, ui: [1], type: set }, one: { with: { values: { y: 2, x: 1 } }, title: T, type: set } }\ninputs: { a: { title: A, type: string } }\n${HEAD}`;
    expect(await compileDigest(reordered)).toBe(await compileDigest(source));
  });

  test('does not see whether a default was written', async () => {
    const written = source.replace('title: T', 'title: T, join: all, retry: 0, onError: fail, timeout: 5s');
    expect(await compileDigest(written)).toBe(await compileDigest(source));
  });

  test.each(['title: A', 'title: T', 'x: 1', 'name: sample', 'type: string'])('sees a change of %s', async (text) => {
    const changed = source.replace(text, text === 'type: string' ? 'type: text' : `${text.replace('x: 1', 'x: ')}2`);
    expect(await compileDigest(changed)).not.toBe(await compileDigest(source));
    expect(await compileDigest(changed)).toBeDefined();
  });
});

describe('the support of a flow', () => {
  const callback = `${HEAD}nodes:\n  outer:\n    type: group\n    with:\n      nodes:\n        ask: { type: callback }\n`;

  test('names the node and the line that stand in the way', async () => {
    const { async, sync } = await compile(callback, NODE_KINDS);
    expect(async).toEqual({ supported: true, blockers: [] });
    expect(sync).toEqual({
      supported: false,
      blockers: [{ line: 8, node: 'outer.ask', message: 'waits for a callback' }],
    });
  });

  test('follows settings.mode', async () => {
    const { async, sync, problems } = await compile(
      `${HEAD}settings: { mode: async }\nnodes: { a: ${SET} }\n`,
      NODE_KINDS,
    );
    expect(problems).toEqual([]);
    expect(async.supported).toBe(true);
    expect(sync).toEqual({ supported: false, blockers: [{ line: 3, node: '', message: 'settings.mode is async' }] });
  });

  test('is known of a flow with other problems, too', async () => {
    const { sync, problems } = await compile(`${callback}  wrong: { type: nope }\n`, NODE_KINDS);
    expect(problems).toHaveLength(1);
    expect(sync.blockers.map(({ node }) => node)).toEqual(['outer.ask']);
  });
});
