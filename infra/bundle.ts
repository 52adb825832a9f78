// Bundles every function of the platform with its dependencies, ready to be uploaded or run as it is.
// Which functions exist is decided by lambdas/env.ts; how they are deployed, by the constructs beside this file.

import { access, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin, transform } from 'esbuild';
import { ENVIRONMENTS, type FunctionName } from '../lambdas/env.ts';

const ROOT = dirname(import.meta.dirname);
const FUNCTION_NAMES = Object.keys(ENVIRONMENTS) as FunctionName[];

const DOCUMENTS = 'documents';

// Some dependencies are CommonJS inside: they call require for Node's own modules, which an ES module does not have.
const REQUIRE_BANNER = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/** Writes `<directory>/<name>/index.mjs` for every function, and esbuild's account of its size as `<name>.meta.json`. */
export async function bundleFunctions(directory: string): Promise<string> {
  await Promise.all([
    ...FUNCTION_NAMES.map((name) => bundle(name, { index: `${name}.ts` }, directory)),
    bundle(DOCUMENTS, { 'documents/child': 'documents/child.ts' }, directory),
    bundle('code-node', { index: 'code-node/index.ts', child: 'code-node/child.ts' }, directory),
    copySources('code-python', directory),
  ]);
  // The largest part of three functions, so it is made once.
  for (const name of FUNCTION_NAMES.filter(runsNodes)) {
    await cp(join(directory, DOCUMENTS), join(directory, name), { recursive: true });
  }
  await copyWrapper(['code-node', 'code-python'], directory);
  return directory;
}

/** Functions that run nodes read documents in a process of its own, with a script of its own. */
const runsNodes = (name: FunctionName): boolean => 'CODE_NODE_FUNCTION' in ENVIRONMENTS[name].shape;

/** Templates are rendered by a library that runs inside of a sandbox: its text goes along, not its code. */
const jinjaAsText: Plugin = {
  name: 'jinja-as-text',
  setup({ onLoad }) {
    onLoad({ filter: /lambdas\/jinja\/library\.ts$/ }, async () => {
      const path = createRequire(import.meta.url).resolve('@huggingface/jinja');
      const { code } = await transform(await readFile(path, 'utf8'), { minify: true, format: 'cjs', target: 'es2022' });
      return {
        contents: `export const jinjaLibrary = () => ${JSON.stringify(code)};`,
        loader: 'js',
        watchFiles: [path],
      };
    });
  },
};

/** `entries`: file of the bundle → file of lambdas/. */
async function bundle(name: string, entries: Record<string, string>, directory: string): Promise<void> {
  const entryPoints = Object.fromEntries(
    Object.entries(entries).map(([file, entry]) => [file, join(ROOT, 'lambdas', entry)]),
  );
  for (const entry of Object.values(entryPoints)) {
    await access(entry).catch((cause) => {
      throw new Error(`Function '${name}' cannot be bundled: ${relative(ROOT, entry)} does not exist`, { cause });
    });
  }
  const outdir = join(directory, name);
  // A chunk left over from an earlier bundle would be deployed and would change the asset's hash.
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: REQUIRE_BANNER },
    bundle: true,
    // Modules that are imported lazily stay files of their own, so a cold start does not load them.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // ES module builds of the dependencies can be shaken; Node's default order prefers their CommonJS builds.
    mainFields: ['module', 'main'],
    // The libraries for documents are minified as they come, and doing it again takes longer than all else.
    minify: name !== DOCUMENTS,
    legalComments: 'none',
    metafile: true,
    plugins: [jinjaAsText],
    logLevel: 'error',
  });
  // Beside the bundle, not in it: it is read by the bench and must not be deployed.
  await writeFile(join(directory, `${name}.meta.json`), JSON.stringify(metafile));
}

/** Python is run as it is written. */
async function copySources(name: string, directory: string): Promise<void> {
  const output = join(directory, name);
  await rm(output, { recursive: true, force: true });
  await cp(join(ROOT, 'lambdas', name), output, { recursive: true, filter: (path) => !path.includes('__pycache__') });
}

/** What starts the runtime of functions whose code is not ours. */
async function copyWrapper(names: string[], directory: string): Promise<void> {
  const wrapper = 'without-credentials';
  for (const name of names) await cp(join(import.meta.dirname, wrapper), join(directory, name, wrapper));
}
