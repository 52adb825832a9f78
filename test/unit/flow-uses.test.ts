// What a plan uses of its tenant: the one list that grants are checked against, so nothing may be missing in it.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../lambdas/core/flow/compile.ts';
import { findMissing, listUses } from '../../lambdas/core/flow/uses.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { NodeKind } from '../../lambdas/core/nodes/node-kind.ts';

async function list(nodes: object, extra: object = {}) {
  const source = JSON.stringify({ flow: 1, name: 'mine', nodes, outputs: {}, ...extra });
  const { plan, problems } = await compile(source, NODE_KINDS);
  if (!plan) throw new Error(JSON.stringify(problems));
  return listUses(plan, NODE_KINDS);
}
const ask = (model: string) => ({ type: 'llm', with: { model, prompt: 'x' } });

describe('the uses of a plan', () => {
  test('are those of every node, inside groups too, with the path of the node', async () => {
    const inner = { c: { type: 'group', with: { nodes: { d: { type: 'lambda', with: { function: 'pay' } } } } } };
    const uses = await list({
      a: ask('openai/small'),
      b: { type: 'group', with: { nodes: inner } },
      e: { type: 'retrieve', with: { source: 'hr', query: 'x' } },
    });
    expect(uses).toEqual([
      { resource: 'models', name: 'openai/small', node: 'a' },
      { resource: 'functions', name: 'pay', node: 'b.c.d' },
      { resource: 'knowledge', name: 'hr', node: 'e' },
    ]);
  });

  test('have the model behind an alias, also where the alias has the name of something that every object has', async () => {
    const models = { constructor: 'openai/big', toString: { use: 'bedrock/large' } };
    const uses = await list({ a: ask('constructor'), b: ask('toString') }, { models });
    expect(uses.map(({ name }) => name)).toEqual(['openai/big', 'bedrock/large']);
    expect((await list({ a: ask('valueOf') })).map(({ name }) => name)).toEqual(['valueOf']);
  });

  test('are any name where an expression gives it, in whole or in part', async () => {
    const uses = await list({
      a: ask('${{ $run.id }}'),
      b: { type: 'flow', with: { name: 'pay-${{ $run.id }}' } },
    });
    expect(uses).toMatchObject([
      { resource: 'models', name: '*' },
      { resource: 'flows', name: '*' },
    ]);
  });

  test('have every declared secret, which a run opens, mentioned or not', async () => {
    const send = { type: 'http', with: { url: 'https://example.com', headers: { x: '${{ $secrets.B }}' } } };
    const uses = await list({ g: { type: 'group', with: { nodes: { s: send } } } }, { secrets: ['A', 'B'] });
    expect(uses).toEqual([
      { resource: 'secrets', name: 'A' },
      { resource: 'secrets', name: 'B', node: 'g.s' },
    ]);
  });

  test('do not have the flow itself', async () => {
    expect(await list({ a: { type: 'flow', with: { name: 'mine' } } })).toEqual([]);
  });
});

test('what is granted by name, or by *, is not missing; a name by an expression is granted by * alone', () => {
  const [one, any] = [{ resource: 'flows', name: 'pay' } as const, { resource: 'flows', name: '*' } as const];
  expect(findMissing([one, any], {})).toEqual([one, any]);
  expect(findMissing([one, any], { flows: ['pay'], models: ['*'] })).toEqual([any]);
  expect(findMissing([one, any], { flows: ['*'] })).toEqual([]);
});

test('every kind that can get at something of the tenant says what it uses', () => {
  const root = join(import.meta.dirname, '../../lambdas/core/nodes');
  const asks =
    /ports\.(?:functions|knowledge|models)\b|\{ knowledge \} = context\.ports|context\.(?:children|plugin)\b|withModel\(/;
  const found = globSync(['*.ts', '{llm,tool}/{llm,tool}.ts'], { cwd: root }).filter((file) =>
    asks.test(readFileSync(join(root, file), 'utf8')),
  );
  const kinds = found.map((file) => basename(file, '.ts'));
  expect(kinds.sort()).toEqual(['classify', 'extract', 'flow', 'lambda', 'llm', 'retrieve', 'tool']);
  const table: Readonly<Record<string, NodeKind>> = NODE_KINDS;
  for (const kind of kinds) {
    expect([kind, table[kind]?.uses !== undefined || table[kind]?.pluginName !== undefined]).toEqual([kind, true]);
  }
});
