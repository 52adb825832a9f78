// What is wrong with a source, where, in one sentence: `line:column message`.

import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { compile } from '../../lambdas/core/flow/compile.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import { done, type NodeKind } from '../../lambdas/core/nodes/node-kind.ts';

const QUESTION: NodeKind = {
  type: 'question',
  summary: 'Asks the end user.',
  with: z.strictObject({}),
  defaultTimeoutMs: 1_000,
  interactive: true,
  blocks: () => ({ async: 'asks the end user a question' }),
  run: async () => done(null),
};
const KINDS = { ...NODE_KINDS, question: QUESTION };

/** The lines of a flow after `flow: 1` and `name`, which are lines 1 and 2. */
async function problemsOf(body: string, head = 'flow: 1\nname: sample\n'): Promise<string[]> {
  const { plan, digest, problems } = await compile(head + body, KINDS);
  const hasErrors = problems.some(({ severity }) => severity === 'error');
  expect([plan !== undefined, digest !== undefined]).toEqual([!hasErrors, !hasErrors]);
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const OK = 'nodes: { a: { type: set, with: { values: {} } } }\n';
const value = (expression: string) => `nodes:\n  a:\n    type: set\n    with: { values: { x: "${expression}" } }\n`;

describe('the fields of a flow', () => {
  test.each<[string, string, string[]]>([
    ['an unknown field', `${OK}node: 1\n`, ["4:1 unknown field 'node' (did you mean 'nodes'?)"]],
    ['no nodes', 'inputs: {}\n', ["1:1 'nodes' is required"]],
    ['an empty map of nodes', 'nodes: {}\n', ['3:1 a flow needs at least one node']],
    [
      'an unknown node type',
      'nodes:\n  a:\n    type: htpp\n',
      ["5:11 unknown node type 'htpp' (did you mean 'http'?)"],
    ],
    ['a node without a type', 'nodes:\n  a: {}\n', ["4:6 'type' is required"]],
    ['a node that is no map', 'nodes:\n  a: 5\n', ['4:6 must be a map, not a number']],
    [
      'a misspelt field',
      'nodes:\n  a: { type: set, wiht: {} }\n',
      ["4:19 unknown field 'wiht' (did you mean 'with'?)"],
    ],
    [
      'a wrong word',
      'nodes:\n  a: { type: set, join: alll, with: { values: {} } }\n',
      ["4:25 'join' must be one of all, any, settled (did you mean 'all'?)"],
    ],
    [
      'a duration without a unit',
      'nodes:\n  a: { type: set, timeout: 30, with: { values: {} } }\n',
      ["4:28 'timeout' must be a duration with its unit, such as 30s, 5m or 1h30m"],
    ],
    [
      'a timeout beyond a slice',
      'nodes:\n  a: { type: set, timeout: 11m, with: { values: {} } }\n',
      ["4:28 'timeout' of node 'a' must be at most 10m: for longer work use a node that waits to be called back"],
    ],
    [
      'too many retries',
      'nodes:\n  a: { type: set, retry: 99, with: { values: {} } }\n',
      ["4:26 'retry' must be at most 10"],
    ],
    [
      'too much at once',
      'nodes:\n  a: { type: set, each: { in: $inputs, concurrency: 21 }, with: { values: {} } }\n',
      ["4:53 'each.concurrency' must be at most 20"],
    ],
    [
      'a missing field of the kind',
      'nodes:\n  a: { type: http, with: { urll: x } }\n',
      ["4:26 'with.url' is required", "4:28 unknown field 'urll' of 'with' (did you mean 'url'?)"],
    ],
    [
      'a wrong word in a field of the kind',
      'nodes:\n  a: { type: http, with: { url: "https://x.example", method: GETT } }\n',
      ["4:62 'with.method' must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS (did you mean 'GET'?)"],
    ],
    [
      'repeat outside of a group',
      'nodes:\n  a: { type: set, repeat: { max: 2 }, with: { values: {} } }\n',
      ['4:19 only a group can repeat'],
    ],
    [
      'a timeout of a group',
      `nodes:\n  g: { type: group, timeout: 1m, with: { ${OK.trim()} } }\n`,
      ['4:21 a group has no timeout of its own: give it to its nodes'],
    ],
    [
      'an id that is none',
      `nodes: { "1a": { type: set, with: { values: {} } } }\n`,
      ["3:10 '1a' is no id: letters, digits and _, at most 64, not beginning with a digit"],
    ],
    [
      'a key with a meaning of its own',
      'nodes: { __proto__: { type: set, with: { values: {} } } }\n',
      ["3:10 '__proto__' is no id: letters, digits and _, at most 64, not beginning with a digit"],
    ],
    [
      'a node id twice, inside and outside',
      `nodes:\n  a: { type: set, with: { values: {} } }\n  g: { type: group, with: { ${OK.trim()} } }\n`,
      ["5:38 there is a node 'a' around this group already: choose another id"],
    ],
    [
      'an output that is no value',
      `${OK}outputs: { x: { vale: 1 } }\n`,
      ["4:15 'outputs.x.value' is required", "4:17 unknown field 'vale' of 'outputs.x' (did you mean 'value'?)"],
    ],
    [
      'a number that JSON does not have',
      `${OK}env: { a: .inf }\n`,
      ["4:11 'env.a' must not be a number that JSON does not have"],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await problemsOf(body)).toEqual(expected);
  });

  test('a format that is not this one', async () => {
    expect(await problemsOf(OK, 'flow: 2\nname: sample\n')).toEqual([
      "1:7 'flow' must be 1, the version of the format",
    ]);
  });

  test('a name with hyphens is one, a name with spaces is none', async () => {
    expect(await problemsOf(OK, 'flow: 1\nname: today-news\n')).toEqual([]);
    const [problem] = await problemsOf(OK, 'flow: 1\nname: to day\n');
    expect(problem).toMatch(/^2:7 'name' must be letters, digits/);
  });

  test('more nodes than there may be', async () => {
    const nodes = Array.from({ length: 201 }, (_, n) => `  n${n}: { type: set, with: { values: {} } }`).join('\n');
    expect(await problemsOf(`nodes:\n${nodes}\n`)).toEqual(['204:3 a flow has at most 200 nodes']);
  });

  test('groups nested too deeply', async () => {
    const nest = (depth: number): string =>
      depth === 0
        ? '{ type: set, with: { values: {} } }'
        : `{ type: group, with: { nodes: { n${depth}: ${nest(depth - 1)} } } }`;
    expect(await problemsOf(`nodes: { top: ${nest(3)} }\n`)).toEqual([]);
    expect((await problemsOf(`nodes: { top: ${nest(4)} }\n`)).join()).toMatch(/groups are nested at most 3 deep/);
  });
});

describe('what a node mentions', () => {
  test.each<[string, string, string[]]>([
    [
      'an input that is not there',
      `inputs: { feed: { type: string } }\n${value('${{ $inputs.fed }}')}`,
      ["7:26 no input 'fed' (did you mean 'feed'?)"],
    ],
    ['a node that is not there', value('${{ $nodes.b.x }}'), ["6:26 no node 'b'"]],
    ['an env value that is not there', value('${{ $env.base }}'), ["6:26 no env value 'base'"]],
    [
      'a node inside of a group',
      `nodes:\n  g: { type: group, with: { nodes: { in: { type: set, with: { values: {} } } } } }\n  a: { type: set, with: { values: { x: "\${{ $nodes.in }}" } } }\n`,
      ["5:40 no node 'in' here: it is inside of group 'g'"],
    ],
    [
      'an item without each',
      value('${{ $item.x }}'),
      ['6:26 $item exists only in a node with each, or inside a group that has one'],
    ],
    ['vars without repeat', value('${{ $vars.x }}'), ['6:26 $vars exists only inside a group with repeat']],
    [
      'a result before there is one',
      value('${{ $result.x }}'),
      ['6:26 $result exists only in output, repeat.until and repeat.next'],
    ],
    ['an error where none is handled', value('${{ $error.code }}'), ['6:26 $error exists only in onError.output']],
    [
      'a callback of a node that has none',
      value('${{ $callback.url }}'),
      ['6:26 $callback exists only in nodes that wait to be called'],
    ],
    [
      'a secret where it would be kept',
      `secrets: [T]\n${value('${{ $secrets.T }}')}`,
      ['7:26 $secrets may not stand here: a secret goes only into the fields of a node that send it'],
    ],
    [
      'a secret that is not listed',
      'secrets: [TOKEN]\nnodes:\n  a: { type: http, with: { url: "https://x.example", auth: { type: bearer, secret: TOKN } } }\n',
      ["5:26 no secret 'TOKN' (did you mean 'TOKEN'?)"],
    ],
    [
      'an expression without its dollar sign',
      value('${{ inputs.x }}'),
      ["6:26 'inputs' needs its dollar sign: $inputs"],
    ],
    ['an expression that is not finished', value('${{ 1 + }}'), ['6:26 unexpected end of expression']],
    ['brackets that never close', value('${{ $inputs'), ["6:26 a '${{' is never closed with '}}'"]],
    [
      'the time',
      value('${{ $now() }}'),
      [
        '6:26 $now cannot be used: a run must give the same result when it is resumed, so an expression cannot see the time; write $run.startedAt',
      ],
    ],
    [
      'a node in a template that is not there',
      'nodes:\n  a: { type: template, with: { text: "{{ nodes.b.x }}" } }\n',
      ["4:38 no node 'b'"],
    ],
    ['a bare expression', 'nodes:\n  a: { type: set, when: $nodes.b, with: { values: {} } }\n', ["4:25 no node 'b'"]],
    [
      'a case of a switch',
      'nodes:\n  a: { type: switch, with: { cases: [{ id: x, when: $nodes.b }] } }\n',
      ["4:53 no node 'b'"],
    ],
    ['an output of the flow', `${OK}outputs:\n  x: \${{ $nodes.b }}\n`, ["5:6 no node 'b'"]],
  ])('%s', async (_, body, expected) => {
    expect(await problemsOf(body)).toEqual(expected);
  });

  test('is found on its own line of a longer text', async () => {
    const body =
      'nodes:\n  a:\n    type: set\n    with:\n      values:\n        x: |\n          first line\n          then ${{ $inputs.absent }}\n';
    expect(await problemsOf(body)).toEqual(["10:20 no input 'absent'"]);
  });
});

describe('the edges', () => {
  const review =
    '  review: { type: switch, with: { cases: [{ id: approve, when: true }, { id: reject, when: false }] } }\n';
  const needing = (needs: string, more = '') =>
    `nodes:\n${review}  b: { type: set, needs: ${needs}, with: { values: {} }${more} }\n`;

  test.each<[string, string, string[]]>([
    [
      'a branch that is not there',
      needing('review:rejct'),
      ["5:26 node 'review' has no branch 'rejct' (has: approve, reject, else, error)"],
    ],
    [
      'a branch of a node that runs per item',
      `nodes:\n  a: { type: set, each: $inputs, with: { values: {} } }\n  b: { type: set, needs: a:x, with: { values: {} } }\n`,
      ["5:26 node 'a' has no branch 'x' (has: error)"],
    ],
    ['a node that is not there', needing('[review, revew]'), ["5:35 no node 'revew' to need (did you mean 'review'?)"]],
    ['something that is no need', needing('"a b"'), ["5:26 'a b' is no need: write a node, or node:branch"]],
    [
      'the timeout of a node that waits',
      'nodes:\n  w: { type: callback }\n  b: { type: set, needs: "w:timeout", with: { values: {} } }\n',
      [],
    ],
    [
      'a node that waits for itself',
      'nodes:\n  a: { type: set, needs: a, with: { values: {} } }\n',
      ["4:3 node 'a' waits for itself"],
    ],
    [
      'a group whose inside waits for it',
      'nodes:\n  g: { type: group, with: { nodes: { a: { type: set, with: { values: { x: "${{ $nodes.g }}" } } } } } }\n',
      ["4:3 node 'g' waits for itself"],
    ],
    [
      'nodes that wait for each other',
      `nodes:\n${['a: c', 'b: a', 'c: b'].map((pair) => `  ${pair[0]}: { type: set, needs: ${pair[3]}, with: { values: {} } }`).join('\n')}\n`,
      ['4:3 these nodes wait for each other: a → c → b → a'],
    ],
    [
      'a node that asks how another failed, and would be skipped',
      'nodes:\n  a: { type: fail, with: { message: no } }\n  b: { type: set, with: { values: { x: "${{ $errors.a.code }}" } } }\n',
      ["5:6 node 'b' asks how 'a' ended but runs only if it succeeded: write needs: a:error, or join: settled"],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await problemsOf(body)).toEqual(expected);
  });
});

describe('how a flow runs', () => {
  test('a question in a flow that is only asynchronous', async () => {
    expect(await problemsOf('settings: { mode: async }\nnodes:\n  ask: { type: question }\n')).toEqual([
      "5:3 node 'ask' asks the end user a question: not allowed when settings.mode is async",
    ]);
  });

  test('a question for each item, at whatever depth', async () => {
    const inside =
      'nodes:\n  g:\n    type: group\n    each: $inputs\n    with: { nodes: { ask: { type: question } } }\n';
    expect(await problemsOf(inside)).toEqual([
      "7:22 node 'ask' talks to the end user, which is not possible inside an each",
    ]);
  });
});

describe('the inputs', () => {
  test.each<[string, string]>([
    [
      'a: { type: strng }',
      "4:14 'inputs.a.type' must be one of string, text, number, integer, boolean, enum, object, array, file, files (did you mean 'string'?)",
    ],
    ['a: { type: enum }', "4:3 input 'a' of type enum needs options"],
    ['a: { type: string, max: 3 }', "4:22 'max' means nothing for an input of type string"],
    ['a: { type: integer, default: 1.5 }', "4:32 the default of 'a' must be a whole number"],
    ['a: { type: string, maxLength: 2, default: abc }', "4:45 the default of 'a' must have at most 2 characters"],
    ['a: { type: enum, options: [x], default: z }', "4:43 the default of 'a' must be one of x"],
    ['a: { type: object, searchable: true }', '4:22 an input of type object cannot be searchable'],
    ['a: { type: string, alias: "b c" }', "4:29 'b c' is no alias: letters, digits, _ . and -, at most 64"],
    [
      'a: { type: object, schema: { properties: { x: { pattern: "(a+)+$" } } } }',
      "4:30 'pattern' cannot be used in a schema",
    ],
  ])('%s', async (input, expected) => {
    expect(await problemsOf(`inputs:\n  ${input}\n${OK}`)).toEqual([expected]);
  });

  test('a pattern that would backtrack', async () => {
    const [problem] = await problemsOf(`inputs: { a: { type: string, pattern: '(a)\\1' } }\n${OK}`);
    expect(problem).toMatch(/^3:39 the regex \/\(a\)\\1\/ cannot be used/);
  });

  test('an alias that names two inputs', async () => {
    expect(await problemsOf(`inputs:\n  a: { type: string }\n  b: { type: string, alias: [a] }\n${OK}`)).toEqual([
      "5:29 'a' names two inputs",
    ]);
  });

  test('six of them searchable', async () => {
    const inputs = Array.from({ length: 6 }, (_, n) => `  i${n}: { type: string, searchable: true }`).join('\n');
    expect(await problemsOf(`inputs:\n${inputs}\n${OK}`)).toEqual(['9:35 a flow has at most 5 searchable inputs']);
  });
});
