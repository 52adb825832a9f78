// The problems of a source: the place and one message, `line:column message`.

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
async function findProblems(body: string, head = 'flow: 1\nname: sample\n'): Promise<string[]> {
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
    ['a node that is not a map', 'nodes:\n  a: 5\n', ['4:6 must be a map, not a number']],
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
      ["4:28 'timeout' of node 'a' must be at most 10m: for longer work use a node that waits for a callback"],
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
      'repeat outside a group',
      'nodes:\n  a: { type: set, repeat: { max: 2 }, with: { values: {} } }\n',
      ['4:19 only a group can repeat'],
    ],
    [
      'a timeout of a group',
      `nodes:\n  g: { type: group, timeout: 1m, with: { ${OK.trim()} } }\n`,
      ['4:21 a group cannot have timeout: set it on its nodes'],
    ],
    [
      'an id that is not valid',
      `nodes: { "1a": { type: set, with: { values: {} } } }\n`,
      ["3:10 '1a' is not a valid id: use letters, digits and _, at most 64, and no digit at the beginning"],
    ],
    [
      'a reserved key',
      'nodes: { __proto__: { type: set, with: { values: {} } } }\n',
      ["3:10 '__proto__' is not a valid id: use letters, digits and _, at most 64, and no digit at the beginning"],
    ],
    [
      'a node id twice, inside and outside',
      `nodes:\n  a: { type: set, with: { values: {} } }\n  g: { type: group, with: { ${OK.trim()} } }\n`,
      ["5:38 a node outside this group has the id 'a' already: choose another id"],
    ],
    [
      'an output that is not a value',
      `${OK}outputs: { x: { vale: 1 } }\n`,
      ["4:15 'outputs.x.value' is required", "4:17 unknown field 'vale' of 'outputs.x' (did you mean 'value'?)"],
    ],
    [
      'a whole number that would be rounded',
      `${OK}env: { a: 9007199254740993, b: -9007199254740991, c: 1e20 }\n`,
      ['4:11 9007199254740993 cannot be held exactly: put quotes around it'],
    ],
    [
      'a number that JSON does not have',
      `${OK}env: { a: .inf }\n`,
      ["4:11 'env.a' must not be a number that JSON does not have"],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });

  test('a format that is not this one', async () => {
    expect(await findProblems(OK, 'flow: 2\nname: sample\n')).toEqual([
      "1:7 'flow' must be 1, the version of the format",
    ]);
  });

  test('a name may have hyphens, but no spaces', async () => {
    expect(await findProblems(OK, 'flow: 1\nname: today-news\n')).toEqual([]);
    const [problem] = await findProblems(OK, 'flow: 1\nname: to day\n');
    expect(problem).toMatch(/^2:7 'name' must be letters, digits/);
  });

  test('too many nodes', async () => {
    const nodes = Array.from({ length: 201 }, (_, n) => `  n${n}: { type: set, with: { values: {} } }`).join('\n');
    expect(await findProblems(`nodes:\n${nodes}\n`)).toEqual(['204:3 a flow has at most 200 nodes']);
  });

  test('groups nested too deeply', async () => {
    const nest = (depth: number): string =>
      depth === 0
        ? '{ type: set, with: { values: {} } }'
        : `{ type: group, with: { nodes: { n${depth}: ${nest(depth - 1)} } } }`;
    expect(await findProblems(`nodes: { top: ${nest(3)} }\n`)).toEqual([]);
    expect((await findProblems(`nodes: { top: ${nest(4)} }\n`)).join()).toMatch(/groups are nested at most 3 deep/);
  });
});

describe('what a node mentions', () => {
  test.each<[string, string, string[]]>([
    [
      'an input that does not exist',
      `inputs: { feed: { type: string } }\n${value('${{ $inputs.fed }}')}`,
      ["7:26 unknown input 'fed' (did you mean 'feed'?)"],
    ],
    ['a node that does not exist', value('${{ $nodes.b.x }}'), ["6:26 unknown node 'b'"]],
    ['an env value that does not exist', value('${{ $env.base }}'), ["6:26 unknown env value 'base'"]],
    [
      'a node inside a group',
      `nodes:\n  g: { type: group, with: { nodes: { in: { type: set, with: { values: {} } } } } }\n  a: { type: set, with: { values: { x: "\${{ $nodes.in }}" } } }\n`,
      ["5:40 node 'in' cannot be mentioned here: it is inside group 'g'"],
    ],
    [
      'an item without each',
      value('${{ $item.x }}'),
      ['6:26 $item exists only in a node with each, or inside a group that has one'],
    ],
    [
      'an item where the node as a whole has failed',
      'nodes:\n  a: { type: set, each: $inputs, onError: { output: "${{ $item.x }}" }, with: { values: {} } }\n',
      ['4:53 $item is of one item, and onError is about the whole node: write each: { onItemError: { output: … } }'],
    ],
    [
      'an item that has failed, in its own default',
      'nodes:\n  a: { type: set, each: { in: $inputs, onItemError: { output: "${{ $item.x & $index & $error.code }}" } }, with: { values: {} } }\n',
      [],
    ],
    [
      'the item of a group around it, where a node has failed',
      'nodes:\n  g: { type: group, each: $inputs, with: { nodes: { a: { type: set, each: $item, onError: { output: "${{ $item }}" }, with: { values: {} } } } } }\n',
      [],
    ],
    [
      'a node that does not exist, in the default of an item',
      'nodes:\n  a: { type: set, each: { in: $inputs, onItemError: { output: "${{ $nodes.b }}" } }, with: { values: {} } }\n',
      ["4:63 unknown node 'b'"],
    ],
    ['vars without repeat', value('${{ $vars.x }}'), ['6:26 $vars exists only inside a group with repeat']],
    [
      'a result before there is one',
      value('${{ $result.x }}'),
      ['6:26 $result exists only in output, repeat.until and repeat.next'],
    ],
    [
      'an error where none is handled',
      value('${{ $error.code }}'),
      ['6:26 $error exists only in onError.output and each.onItemError.output'],
    ],
    [
      'a callback of a node that has none',
      value('${{ $callback.url }}'),
      ['6:26 $callback exists only in nodes that wait for a callback'],
    ],
    [
      'a secret where it would be kept',
      `secrets: [T]\n${value('${{ $secrets.T }}')}`,
      ['7:26 $secrets is not allowed here: use secrets only in fields that the node sends'],
    ],
    [
      'a secret that is not listed',
      'secrets: [TOKEN]\nnodes:\n  a: { type: http, with: { url: "https://x.example", auth: { type: bearer, secret: TOKN } } }\n',
      ["5:26 unknown secret 'TOKN' (did you mean 'TOKEN'?)"],
    ],
    [
      'an expression without its dollar sign',
      value('${{ inputs.x }}'),
      ["6:26 'inputs' needs its dollar sign: $inputs"],
    ],
    ['an expression that is not finished', value('${{ 1 + }}'), ['6:26 unexpected end of expression']],
    ['brackets that are not closed', value('${{ $inputs'), ["6:26 a '${{' is never closed with '}}'"]],
    [
      'the time',
      value('${{ $now() }}'),
      [
        '6:26 $now cannot be used: a run must give the same result when it is resumed, so an expression cannot see the time; write $run.startedAt',
      ],
    ],
    [
      'a node in a template that does not exist',
      'nodes:\n  a: { type: template, with: { text: "{{ nodes.b.x }}" } }\n',
      ["4:38 unknown node 'b'"],
    ],
    [
      'a bare expression',
      'nodes:\n  a: { type: set, when: $nodes.b, with: { values: {} } }\n',
      ["4:25 unknown node 'b'"],
    ],
    [
      'a case of a switch',
      'nodes:\n  a: { type: switch, with: { cases: [{ id: x, when: $nodes.b }] } }\n',
      ["4:53 unknown node 'b'"],
    ],
    ['an output of the flow', `${OK}outputs:\n  x: \${{ $nodes.b }}\n`, ["5:6 unknown node 'b'"]],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });

  test('is found on its own line of a longer text', async () => {
    const body =
      'nodes:\n  a:\n    type: set\n    with:\n      values:\n        x: |\n          first line\n          then ${{ $inputs.absent }}\n';
    expect(await findProblems(body)).toEqual(["10:20 unknown input 'absent'"]);
  });
});

describe('the edges', () => {
  const review =
    '  review: { type: switch, with: { cases: [{ id: approve, when: true }, { id: reject, when: false }] } }\n';
  const needing = (needs: string, more = '') =>
    `nodes:\n${review}  b: { type: set, needs: ${needs}, with: { values: {} }${more} }\n`;

  test.each<[string, string, string[]]>([
    [
      'a branch that does not exist',
      needing('review:rejct'),
      ["5:26 node 'review' has no branch 'rejct' (it has: approve, reject, else, error)"],
    ],
    [
      'a branch of a node that runs per item',
      `nodes:\n  a: { type: set, each: $inputs, with: { values: {} } }\n  b: { type: set, needs: a:x, with: { values: {} } }\n`,
      ["5:26 node 'a' has no branch 'x' (it has: error)"],
    ],
    ['a node that does not exist', needing('[review, revew]'), ["5:35 unknown node 'revew' (did you mean 'review'?)"]],
    [
      'something that is not valid in needs',
      needing('"a b"'),
      ["5:26 'a b' is not valid in needs: write the id of a node, or id:branch"],
    ],
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
      'a group whose inner node waits for it',
      'nodes:\n  g: { type: group, with: { nodes: { a: { type: set, with: { values: { x: "${{ $nodes.g }}" } } } } } }\n',
      ["4:3 node 'g' waits for itself"],
    ],
    [
      'nodes that wait for each other',
      `nodes:\n${['a: c', 'b: a', 'c: b'].map((pair) => `  ${pair[0]}: { type: set, needs: ${pair[3]}, with: { values: {} } }`).join('\n')}\n`,
      ['4:3 these nodes wait for each other: a → c → b → a'],
    ],
    [
      'a node that reads how another failed, and would be skipped',
      'nodes:\n  a: { type: fail, with: { message: no } }\n  b: { type: set, with: { values: { x: "${{ $errors.a.code }}" } } }\n',
      ["5:6 node 'b' reads how 'a' ended, but runs only if 'a' succeeded: write needs: a:error, or join: settled"],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });
});

describe('how a flow runs', () => {
  test('a question in a flow that is only asynchronous', async () => {
    expect(await findProblems('settings: { mode: async }\nnodes:\n  ask: { type: question }\n')).toEqual([
      "5:3 node 'ask' asks the end user a question: not allowed when settings.mode is async",
    ]);
  });

  test('a question for each item, at any depth', async () => {
    const inside =
      'nodes:\n  g:\n    type: group\n    each: $inputs\n    with: { nodes: { ask: { type: question } } }\n';
    expect(await findProblems(inside)).toEqual([
      "7:22 node 'ask' talks to the end user: this is not allowed inside each",
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
    ['a: { type: string, max: 3 }', "4:22 'max' does not apply to an input of type string"],
    ['a: { type: integer, default: 1.5 }', "4:32 the default of 'a' must be a whole number"],
    ['a: { type: string, maxLength: 2, default: abc }', "4:45 the default of 'a' must have at most 2 characters"],
    ['a: { type: enum, options: [x], default: z }', "4:43 the default of 'a' must be one of x"],
    ['a: { type: object, searchable: true }', '4:22 an input of type object cannot be searchable'],
    [
      'a: { type: string, alias: "b c" }',
      "4:29 'b c' is not a valid alias: use letters, digits, _ . and -, at most 64",
    ],
    [
      'a: { type: object, schema: { properties: { x: { pattern: "(a+)+$" } } } }',
      "4:30 'pattern' cannot be used in a schema",
    ],
  ])('%s', async (input, expected) => {
    expect(await findProblems(`inputs:\n  ${input}\n${OK}`)).toEqual([expected]);
  });

  test('a pattern that would backtrack', async () => {
    const [problem] = await findProblems(`inputs: { a: { type: string, pattern: '(a)\\1' } }\n${OK}`);
    expect(problem).toMatch(/^3:39 the regex \/\(a\)\\1\/ cannot be used/);
  });

  test('an alias that is the name of two inputs', async () => {
    expect(await findProblems(`inputs:\n  a: { type: string }\n  b: { type: string, alias: [a] }\n${OK}`)).toEqual([
      "5:29 'a' is the name of two inputs",
    ]);
  });

  test('six of them searchable', async () => {
    const inputs = Array.from({ length: 6 }, (_, n) => `  i${n}: { type: string, searchable: true }`).join('\n');
    expect(await findProblems(`inputs:\n${inputs}\n${OK}`)).toEqual(['9:35 a flow has at most 5 searchable inputs']);
  });
});

describe('a field that an output is known not to have', () => {
  const reading = (field: string, of: string) =>
    `nodes:\n  a: ${of}\n  b: { type: set, with: { values: { x: "\${{ $nodes.a${field} }}" } } }\n`;
  const A_SET = '{ type: set, with: { values: { total: 1, lines: 2 } } }';

  test.each<[string, string, string[]]>([
    ['of a set', reading('.totl', A_SET), ["5:40 node 'a' has no field 'totl' (did you mean 'total'?)"]],
    ['with nothing near', reading('[0].x.y', A_SET), ["5:40 node 'a' has no field 'x' (it has: total, lines)"]],
    [
      'of a list of sets',
      reading('.n', '{ type: set, each: $inputs, with: { values: { m: 1 } } }'),
      ["5:40 node 'a' has no field 'n' (it has: m)"],
    ],
    [
      'of what `output` makes of any result',
      reading('.body', '{ type: http, with: { url: "https://x.example" }, output: { items: "${{ $result.body }}" } }'),
      ["5:40 node 'a' has no field 'body' (it has: items)"],
    ],
    [
      'of a group',
      reading('.y', '{ type: group, with: { nodes: { i: { type: set, with: { values: {} } } }, output: { x: 1 } } }'),
      ["5:40 node 'a' has no field 'y' (it has: x)"],
    ],
    ['but one that it has', reading('.lines', A_SET), []],
    [
      'nor where an expression gives the fields',
      reading('.y', '{ type: set, with: { values: "${{ $inputs }}" } }'),
      [],
    ],
    [
      'nor where a default may have others',
      reading('.y', `${A_SET.slice(0, -2)}, onError: { output: { y: 1 } } }`),
      [],
    ],
    ['nor of what another kind gives', reading('.y', '{ type: http, with: { url: "https://x.example" } }'), []],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });
});

describe('brackets without their dollar sign', () => {
  test.each<[string, string, string[]]>([
    ['in `with`', value('Dear {{ $inputs.name }}'), ["6:26 '{{ $inputs …' is only text: write ${{ }} for the value"]],
    [
      'in a list, on their own line',
      'nodes:\n  a:\n    type: set\n    with:\n      values:\n        x: |\n          one\n          {{$nodes.b}}\n',
      ["10:11 '{{$nodes …' is only text: write ${{ }} for the value"],
    ],
    [
      'in an output',
      `${OK}outputs: { x: "{{ $nodes.a }}" }\n`,
      ["4:15 '{{ $nodes …' is only text: write ${{ }} for the value"],
    ],
    ['but not with it', `${OK}outputs: { x: "\${{ $nodes.a }}" }\n`, []],
    ['nor in the text of other templates', value('{{ name }} {{ $other }} {{{ $inputs }}}'), []],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });
});

describe('a node that nothing reaches', () => {
  const needing = (needs: string, more = '') =>
    `nodes:\n  pick: { type: switch, with: { cases: [{ id: x, when: true }, { id: y, when: true }] } }\n  a: { type: set, needs: ${needs}, with: { values: {} }${more} }\n`;
  const both =
    "5:6 node 'a' is never reached: it needs both pick:x and pick:y, and a run takes one of them: write join: any";

  test.each<[string, string, string[]]>([
    ['needs two branches of one node', needing('[pick:x, pick:y]'), [both]],
    [
      'needs the error and the success of one',
      needing('[pick, pick:error]'),
      [
        "5:6 node 'a' is never reached: it needs both pick and pick:error, and a run takes one of them: write join: any",
      ],
    ],
    [
      'needs one that is not reached, or only such',
      `${needing('[pick:x, pick:y]')}  b: { type: set, needs: [pick, a], with: { values: {} } }\n  c: { type: set, needs: [a, b], join: any, with: { values: {} } }\n`,
      [
        both,
        "6:6 node 'b' is never reached: 'a', which it needs, is not",
        "7:6 node 'c' is never reached: nothing that it needs is reached",
      ],
    ],
    ['is not one that needs any of them', needing('[pick:x, pick:y]', ', join: any'), []],
    ['is not one that always runs', needing('[pick:x, pick:y]', ', join: settled'), []],
    ['is not one that needs a branch and the node', needing('[pick, pick:x]'), []],
  ])('%s', async (_, body, expected) => {
    expect(await findProblems(body)).toEqual(expected);
  });

  test('is a warning', async () => {
    const { plan, problems } = await compile(`flow: 1\nname: sample\n${needing('[pick:x, pick:y]')}`, KINDS);
    expect([plan?.name, problems.map(({ severity }) => severity)]).toEqual(['sample', ['warning']]);
  });
});

test('a flow that does not exist is a warning, at any depth', async () => {
  const run = (name: string) => `{ type: flow, with: { name: ${name} } }`;
  const body = `nodes:\n  a: ${run('known')}\n  b: ${run('unknown')}\n  g: { type: group, with: { nodes: { c: ${run('deep')} } } }\n  d: ${run('"${{ $run.flow }}"')}\n`;
  const { plan, problems } = await compile(`flow: 1\nname: sample\n${body}`, KINDS, {
    hasFlow: async (name) => name === 'known',
  });
  expect(plan?.nodes).toHaveLength(4);
  expect(problems.map(({ line, message, severity }) => `${line} ${severity} ${message}`)).toEqual([
    "5 warning there is no flow 'unknown': the node will fail as flow-not-found",
    "6 warning there is no flow 'deep': the node will fail as flow-not-found",
  ]);
});
