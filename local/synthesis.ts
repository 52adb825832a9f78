// Runs the CDK app in a child process and keeps what it wrote, so that an unchanged platform is not synthesized twice.
// What the assembly says is read by assembly.ts.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const ROOT = dirname(import.meta.dirname);

export interface SynthesisOptions {
  /** CDK context, beside what cdk.json holds. */
  context: Record<string, string>;
  /** The CDK app, from the repository's root. */
  app?: string;
  /** What the result depends on, from the repository's root. */
  sources?: string[];
}

const PLATFORM_SOURCES = ['infra', 'lambdas', 'console', 'cdk.json', 'package-lock.json', 'tsconfig.json'];
const CACHE = join(ROOT, 'node_modules', '.cache', 'errand');
// Functions are found by the names of their constructs; `cdk synth` asks for these names too.
const PATH_METADATA = 'aws:cdk:enable-path-metadata';
const KEPT_ASSEMBLIES = 6;
// A running platform still loads its functions from the assembly it booted with.
const KEPT_MS = 7 * 24 * 60 * 60 * 1_000;

/** The directory of the cloud assembly for these sources and this context. */
export async function synthesize(options: SynthesisOptions): Promise<string> {
  const app = options.app ?? 'infra/app.ts';
  const configured = JSON.parse(await readFile(join(ROOT, 'cdk.json'), 'utf8')) as { context?: object };
  const context = { ...configured.context, ...options.context, [PATH_METADATA]: true };
  const directory = join(CACHE, await fingerprint(options.sources ?? PLATFORM_SOURCES, { app, context }));
  if (await exists(join(directory, 'manifest.json'))) {
    await utimes(directory, new Date(), new Date());
    return directory;
  }
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(join(CACHE, 'unfinished-'));
  await runApp(app, { directory: unfinished, context });
  // Whoever renames first wins; a second runtime that synthesized the same sources meanwhile uses the winner's.
  await rename(unfinished, directory).catch(() => rm(unfinished, { recursive: true, force: true }));
  await forgetOldest();
  return directory;
}

function runApp(app: string, { directory, context }: { directory: string; context: object }): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, app)], {
    cwd: ROOT,
    // CDK_VALIDATION: the built-in CloudFormation validation takes 4.6 s and runs in `cdk synth` and in CI.
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify(context),
      NODE_OPTIONS: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`The CDK app ${app} could not be synthesized:\n${output.trim()}`)),
    );
  });
}

async function fingerprint(sources: string[], rest: object): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(rest)).update(process.version);
  for (const source of sources) {
    for (const file of await filesUnder(join(ROOT, source))) hash.update(file).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesUnder(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found ? [path] : [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function forgetOldest(): Promise<void> {
  const names = await readdir(CACHE);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, usedMs: (await stat(join(CACHE, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const oldest = aged
    .sort((a, b) => b.usedMs - a.usedMs)
    .slice(KEPT_ASSEMBLIES)
    .filter(({ usedMs }) => usedMs < Date.now() - KEPT_MS);
  await Promise.all(oldest.map(({ name }) => rm(join(CACHE, name), { recursive: true, force: true })));
}

async function exists(path: string): Promise<boolean> {
  return Boolean(await stat(path).catch(() => undefined));
}
