// The package for other CDK apps: `npm run package` compiles the construct Errand, bundles the functions, and packs both.
// What is installed with it is only zod: the functions carry what they need.

import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundleFunctions } from './bundle.ts';

const ROOT = dirname(import.meta.dirname);
const run = promisify(execFile);

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Writes the files of the package into the directory. */
export async function buildPackage(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const compile = ['-p', 'infra/tsconfig.package.json', '--outDir', directory];
  await Promise.all([
    run(join(ROOT, 'node_modules/.bin/tsc'), compile, { cwd: ROOT }),
    bundleFunctions(join(directory, 'bundles')),
  ]);
  // They are for the bench.
  const bundles = await readdir(join(directory, 'bundles'));
  for (const file of bundles.filter((name) => name.endsWith('.meta.json'))) await rm(join(directory, 'bundles', file));
  await copyFile(join(ROOT, 'LICENSE'), join(directory, 'LICENSE'));
  await copyFile(join(ROOT, 'docs/options.md'), join(directory, 'README.md'));
  await writeFile(join(directory, 'package.json'), `${JSON.stringify(await describePackage(), null, 2)}\n`);
}

/** The path of the archive. */
export async function packInto(directory: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], { cwd: directory });
  const [{ filename }] = JSON.parse(stdout);
  return join(directory, filename);
}

async function describePackage(): Promise<object> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const { name, version, description, license, dependencies, devDependencies } = manifest;
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    exports: { '.': { types: './infra/errand.d.ts', default: './infra/errand.js' } },
    dependencies: { zod: dependencies['zod'] },
    peerDependencies: { 'aws-cdk-lib': `^${devDependencies['aws-cdk-lib']}`, constructs: '^10.0.0' },
    engines: { node: '>=22' },
  };
}

if (import.meta.main) {
  const directory = join(ROOT, 'dist');
  await rm(directory, { recursive: true, force: true });
  await buildPackage(directory);
  process.stdout.write(`${await packInto(directory)}\n`);
}
