// `npm start`: runs the platform on this machine until it is stopped.

import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createDemoKey, publishFlows, waitUntilHealthy } from './demo.ts';
import { startRuntime } from './runtime.ts';
import { ROOT } from './synthesis.ts';
import { vendorKeys } from './vendor-keys.ts';
import { HELP, welcome } from './welcome.ts';

const DEFAULT_PORT = 8_787;

const { env } = process;
// Lambda's clock has no time zone.
env['TZ'] = 'UTC';

try {
  const { values } = parseArgs({
    options: { ephemeral: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) process.stdout.write(HELP);
  else await start(values.ephemeral ? null : (env['ERRAND_STATE_DIR'] ?? join(ROOT, '.errand')));
} catch (error) {
  const detail = env['ERRAND_LOG'] === '1' ? (error as Error).stack : (error as Error).message;
  process.stderr.write(`${detail}\n`);
  process.exit(1);
}

async function start(stateDir: string | null): Promise<void> {
  const runtime = await startRuntime({
    port: wholeNumber('PORT', { fallback: DEFAULT_PORT, max: 65_535 }),
    host: env['HOST'] || '127.0.0.1',
    stateDir,
    privateTargets: env['ERRAND_ALLOW_PRIVATE_TARGETS'] === '1' ? 'private' : 'loopback',
    publicOrigin: env['ERRAND_PUBLIC_ORIGIN'],
    models: modelVariables(),
    concurrency: wholeNumber('ERRAND_LOCAL_CONCURRENCY', { fallback: 64, max: 1_000, min: 1 }),
  });
  stopOnSignal(runtime.stop);
  const { baseUrl, logFile } = runtime;
  await waitUntilHealthy(runtime);
  const key = await createDemoKey(runtime, stateDir && join(stateDir, 'demo-key'));
  const flows = await publishFlows(baseUrl, key);
  const vendors = await vendorKeys(baseUrl, key, stateDir && join(stateDir, 'vendor-keys.json'));
  const seconds = process.uptime();
  process.stdout.write(
    welcome({
      baseUrl,
      key,
      flows,
      vendors,
      models: modelVariables()['OPENAI_BASE_URL'],
      stateDir: shortened(stateDir),
      logFile: shortened(logFile),
      seconds,
    }),
  );
  // For whoever started this as a child process.
  process.send?.({ baseUrl, key });
}

/** With a key alone, OpenAI's own endpoint is meant. */
function modelVariables(): Record<string, string> {
  const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = env;
  if (!url && !key) return {};
  return { OPENAI_BASE_URL: url || 'https://api.openai.com/v1', ...(key && { OPENAI_API_KEY: key }) };
}

function shortened(path: string | null): string | null {
  if (path === null) return null;
  const fromHere = relative(process.cwd(), path);
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere;
}

function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const onSignal = () => {
    // Whoever asks twice does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    void stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function wholeNumber(
  name: string,
  { fallback, max, min = 0 }: { fallback: number; max: number; min?: number },
): number {
  const text = env[name];
  if (!text) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} is '${text}'; it must be a whole number from ${min} to ${max}`);
}
