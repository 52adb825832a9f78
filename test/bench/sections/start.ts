// How long `npm start` takes until the platform answers: the first time in a fresh tree, and every time after it.

import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT } from '../../../local/synthesis.ts';
import { spawnRuntime } from '../../support/runtime.ts';
import { READY_MS } from '../figures.ts';
import { atMost, type Line } from '../report.ts';

const TREE = [
  'infra',
  'lambdas',
  'local',
  'flows',
  'console',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'cdk.json',
];

export async function start(): Promise<Line[]> {
  await using tree = await freshTree();
  const cold = await readyMs(tree, 'first');
  const warm = await readyMs(tree, 'second');
  const again = await readyMs(tree, 'second');
  const goal = { most: READY_MS, unit: 'ms' };
  return [
    atMost('first start after `npm ci`', cold, goal),
    atMost('start with nothing kept', warm, goal),
    atMost('start with what was kept', again, goal),
  ];
}

interface Tree extends AsyncDisposable {
  path: string;
}

/** As `npm ci` leaves it: no synthesized platform is kept in node_modules. */
async function freshTree(): Promise<Tree> {
  const path = await mkdtemp(join(tmpdir(), 'errand-tree-'));
  const present = new Set(await readdir(ROOT));
  for (const name of TREE.filter((it) => present.has(it))) {
    await cp(join(ROOT, name), join(path, name), { recursive: true });
  }
  await mkdir(join(path, 'node_modules'));
  const modules = (await readdir(join(ROOT, 'node_modules'))).filter((name) => !name.startsWith('.'));
  for (const name of modules) {
    await symlink(join(ROOT, 'node_modules', name), join(path, 'node_modules', name), 'dir');
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function readyMs({ path }: Tree, state: string): Promise<number> {
  const startedMs = performance.now();
  const script = relative(ROOT, join(path, 'local', 'start.ts'));
  const platform = await spawnRuntime({ stateDir: join(path, state), script });
  const tookMs = performance.now() - startedMs;
  await platform.stop();
  return tookMs;
}
