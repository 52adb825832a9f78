// Who may import whom. Each row is a layer and the layers it may import; a module may always import its own layer, and
// every layer the ground of the core. `npm:` names packages, `node:` the modules of Node.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const GROUND = ['core/limits', 'core/errors', 'core/json', 'core/run', 'core/run-id'];
const RUNTIME = [
  'env',
  'log',
  'system',
  'on-first-use',
  'aws',
  'net',
  'documents',
  'jinja',
  'core/access',
  'core/models',
  'core/ports',
];

const MAY_IMPORT: Record<string, readonly string[]> = {
  // The core: no AWS, no clock, no environment, no network. Lowest first, so that no two rows can form a cycle.
  'core/limits': [],
  'core/json': [],
  'core/errors': [],
  'core/run-id': [],
  'core/run': [],
  'core/parse': ['npm:zod', 'node:crypto'],
  'core/outbound': ['node:net'],
  'core/expressions': ['core/parse', 'npm:jsonata', 'npm:re2js'],
  'core/flow': ['core/parse', 'core/expressions', 'npm:zod', 'npm:yaml', 'node:crypto'],
  'core/ports': ['core/flow'],
  'core/models': ['core/ports', 'npm:zod'],
  'core/nodes': [
    ...['core/parse', 'core/expressions', 'core/flow', 'core/outbound', 'core/ports', 'core/models'],
    ...['npm:zod', 'npm:liquidjs', 'npm:@huggingface/jinja', 'npm:fast-xml-parser', 'npm:entities', 'node:vm'],
  ],
  'core/access': ['core/parse', 'core/flow', 'core/ports', 'npm:zod', 'node:crypto'],
  'core/catalog': ['core/parse', 'core/flow', 'core/ports', 'core/models', 'core/nodes', 'core/access', 'node:crypto'],
  'core/runs': ['core/flow', 'core/ports', 'core/access'],
  'core/engine': [
    ...['core/expressions', 'core/flow', 'core/outbound', 'core/ports', 'core/nodes'],
    ...['core/access', 'core/catalog', 'core/runs'],
  ],
  'core/deliver': ['core/outbound', 'core/ports', 'core/access', 'core/runs', 'npm:zod', 'node:crypto'],
  'core/api': [
    ...['core/parse', 'core/flow', 'core/ports', 'core/nodes', 'core/access', 'core/catalog', 'core/runs'],
    ...['core/engine', 'core/deliver', 'npm:zod', 'node:crypto'],
  ],
  'core/work': ['core/ports', 'core/runs', 'core/engine', 'core/api'],
  'core/advance': ['core/ports', 'core/runs', 'core/engine', 'core/api'],
  'core/sweep': ['core/ports', 'core/runs'],
  'core/dialects': [
    ...['core/parse', 'core/flow', 'core/ports', 'core/models', 'core/nodes', 'core/access', 'core/catalog'],
    ...['core/runs', 'core/deliver', 'core/api', 'npm:zod', 'node:crypto', 'node:path/posix', 'package.json'],
  ],

  // What runs. Only lambdas/aws knows the AWS SDK; only lambdas/net opens connections to addresses that users give.
  env: ['npm:zod'],
  log: ['env', 'core/ports', 'npm:@aws-lambda-powertools/*'],
  system: ['core/ports', 'node:crypto', 'node:timers/promises'],
  'on-first-use': [],
  batch: ['core/ports', 'npm:aws-lambda'],
  'bounded-process': ['node:*'],
  aws: ['core/parse', 'core/flow', 'core/ports', 'npm:@aws-sdk/*', 'npm:zod', 'node:*'],
  net: ['core/outbound', 'core/ports', 'node:*'],
  documents: [
    'core/ports',
    'bounded-process',
    'npm:csv-parse/*',
    'npm:html-to-text',
    'npm:mammoth',
    'npm:unpdf',
    'node:*',
  ],
  jinja: ['core/ports', 'npm:quickjs-emscripten-core', 'npm:@jitl/*', 'node:*'],
  'code-node': ['core/ports', 'core/nodes', 'bounded-process', 'node:*'],
  http: ['core/parse', 'core/ports', 'core/access', 'core/api', 'core/dialects', 'npm:jsonc-parser'],
  'api-gateway': ['http', 'core/ports', 'core/dialects', 'npm:@middy/*', 'npm:aws-lambda', 'node:stream'],
  wiring: [...RUNTIME, 'node:path'],
  api: ['env', 'wiring', 'http', 'api-gateway', 'core/dialects'],
  work: ['env', 'wiring', 'batch', 'core/work', 'npm:aws-lambda'],
  advance: ['env', 'wiring', 'core/advance'],
  deliver: ['env', 'wiring', 'batch', 'core/deliver', 'core/dialects', 'npm:aws-lambda'],
  sweep: ['env', 'wiring', 'core/access', 'core/sweep'],

  // What is deployed shares only the environment and the limits with what runs; the local runtime reads the template.
  infra: [
    'env',
    'npm:@aws-sdk/client-lambda',
    'npm:aws-cdk-lib',
    'npm:aws-cdk-lib/*',
    'npm:constructs',
    'npm:esbuild',
    'npm:zod',
    'node:*',
  ],
  local: ['npm:fauxqs', 'npm:yaml', 'npm:zod', 'node:*'],
};

const SPECIFIER = /(?:\bfrom|\bimport|\bimport\()\s*'((?:\.{1,2}\/|node:|@?[a-z])[^'\s]*)'/g;

/** `core/flow` of lambdas/core/flow/plan.ts, `aws` of lambdas/aws/slots.ts, `infra` of infra/api.ts. */
function findLayer(path: string): string {
  const [top = '', ...inside] = path.replace(/\.ts$/, '').split('/');
  if (top !== 'lambdas') return top === 'package.json' ? path : top;
  return inside[0] === 'core' ? `core/${inside[1]}` : (inside[0] ?? '');
}

function readImports(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(SPECIFIER)].map(([, specifier = '']) => {
    if (specifier.startsWith('.')) return findLayer(relative(ROOT, join(ROOT, dirname(file), specifier)));
    return specifier.startsWith('node:') ? specifier : `npm:${specifier}`;
  });
}

const fits = (imported: string, pattern: string): boolean =>
  pattern.endsWith('*') ? imported.startsWith(pattern.slice(0, -1)) : imported === pattern;

function breaches(file: string): string[] {
  const layer = findLayer(file);
  const row = MAY_IMPORT[layer];
  if (row === undefined) return [`${file}: layer '${layer}' has no row`];
  return readImports(file)
    .filter((imported) => imported !== layer && !GROUND.includes(imported))
    .filter((imported) => !row.some((pattern) => fits(imported, pattern)))
    .map((imported) => `${file} imports ${imported}; row '${layer}' allows ${row.join(', ') || 'nothing'}`);
}

const files = globSync('{lambdas,infra,local}/**/*.ts', { cwd: ROOT });

describe('layers', () => {
  test('each module imports only what its row allows', () => {
    expect(files.length).toBeGreaterThan(250);
    expect(files.flatMap(breaches)).toEqual([]);
  });

  test('no dialect imports another one', () => {
    const dialects = files.filter((file) => /core\/dialects\/\w+\//.test(file));
    const crossing = dialects.filter((file) => {
      const own = file.split('/')[3];
      const source = readFileSync(join(ROOT, file), 'utf8');
      const others = [...source.matchAll(/from '(?:\.\.\/)+(?:dialects\/)?(\w+)\//g)].map(([, name]) => name);
      return others.some((name) => name !== own && files.some((it) => it.startsWith(`lambdas/core/dialects/${name}/`)));
    });
    expect(crossing).toEqual([]);
  });

  test('rows of the core are in an order in which nothing imports what is below it', () => {
    const rows = Object.keys(MAY_IMPORT);
    const upward = rows.flatMap((layer, index) =>
      (MAY_IMPORT[layer] ?? []).filter(
        (it) => it.startsWith('core/') && layer.startsWith('core/') && rows.indexOf(it) > index,
      ),
    );
    expect(upward).toEqual([]);
  });

  test('the core has at most 22 entries', () => {
    expect(globSync('lambdas/core/*', { cwd: ROOT }).length).toBeLessThanOrEqual(22);
  });
});
