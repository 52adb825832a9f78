// What a cold start loads: the size of every function's bundle and the time to import it, beside a handler that holds
// nothing but one SDK client.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundleFunctions } from '../../../infra/bundle.ts';
import { ENVIRONMENTS } from '../../../lambdas/env.ts';
import { ROOT } from '../../../local/synthesis.ts';
import { measureSize } from '../bundle-size.ts';
import { API_ENTRY_BYTES, AT_START_BYTES } from '../figures.ts';
import { atMost, figure, type Line, percentile } from '../report.ts';

type Name = keyof typeof AT_START_BYTES;

const IMPORTS = 5;
const BARE_HANDLER = `
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
const client = new DynamoDBClient({});
export const handler = ({ Key }) => client.send(new GetItemCommand({ TableName: 'table', Key }));
`;
// Whatever the schemas accept: nothing is called.
const CHOSEN: Record<string, string> = {
  PRIVATE_TARGETS: 'none',
  MACHINE_MODE: 'onDemand',
  KNOWLEDGE_BASES: '',
};
const LAMBDA_VARIABLES = { AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'bench' };

// What the runtime of Lambda gives a streaming handler; here it is only looked at.
const LAMBDA_GLOBAL = 'globalThis.awslambda = { streamifyResponse: (handler) => handler };';

export async function size(): Promise<Line[]> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-bundles-'));
  try {
    await bundleFunctions(directory);
    const lines: Line[] = [];
    for (const name of Object.keys(AT_START_BYTES) as Name[]) lines.push(...(await measureFunction(name, directory)));
    const bare = await bundleBareHandler(directory);
    lines.push(figure('bare SDK handler, at start', (await stat(bare)).size / 1_000, 'kB'));
    lines.push(figure('bare SDK handler, import', await importMs(bare), 'ms'));
    return lines;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureFunction(name: Name, directory: string): Promise<Line[]> {
  const { entryBytes, atStartBytes, allBytes } = await measureSize(directory, name);
  const kilobytes = (most: number) => ({ most: most / 1_000, unit: 'kB' });
  return [
    atMost(`${name}, entry chunk`, entryBytes / 1_000, kilobytes(API_ENTRY_BYTES)),
    atMost(`${name}, with the chunks it needs at start`, atStartBytes / 1_000, kilobytes(AT_START_BYTES[name])),
    figure(`${name}, with what is loaded when it is needed`, allBytes / 1_000, 'kB'),
    figure(`${name}, import`, await importMs(join(directory, name, 'index.mjs')), 'ms'),
  ];
}

async function bundleBareHandler(directory: string): Promise<string> {
  const outfile = join(directory, 'bare-bundle.mjs');
  await build({
    stdin: { contents: BARE_HANDLER, resolveDir: ROOT },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  return outfile;
}

/** The median of a few processes that do nothing else. */
async function importMs(file: string): Promise<number> {
  const script = `${LAMBDA_GLOBAL} const at = performance.now(); await import(process.env.FILE); console.log(performance.now() - at);`;
  const times: number[] = [];
  for (let n = 0; n < IMPORTS; n++) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...variables(), FILE: file },
    });
    times.push(Number(stdout));
  }
  return percentile(times, 0.5);
}

function variables(): Record<string, string> {
  const names = Object.values(ENVIRONMENTS).flatMap(({ shape }) => Object.keys(shape));
  const made = names.map((name) => [name, CHOSEN[name] ?? `https://example.com/${name}`]);
  return { ...Object.fromEntries(made), ...LAMBDA_VARIABLES };
}
