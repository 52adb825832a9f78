// What a first visitor finds: a tenant with a key, and the example flows published, all through the platform itself.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { makeFirstKey } from './first-key.ts';
import type { Runtime } from './runtime.ts';
import { ROOT } from './synthesis.ts';

export interface PublishedFlow {
  name: string;
  /** Absent when it could not be published. */
  version?: string;
  problems: string[];
}

const HEALTH_ATTEMPTS = 150;
const HEALTH_PAUSE_MS = 100;

export async function waitUntilHealthy({ baseUrl, logFile }: Runtime): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`${baseUrl}/health`).catch(() => undefined);
    if (answer?.ok) return;
    if (attempt === HEALTH_ATTEMPTS) {
      throw new Error(`The platform does not become healthy: ${await answer?.text()} (log: ${logFile ?? 'above'})`);
    }
    await sleep(HEALTH_PAUSE_MS);
  }
}

/** The same key at every start, unless another one is asked for. `file` remembers it. */
export async function createDemoKey(runtime: Runtime, file: string | null): Promise<string> {
  const kept = file ? await readFile(file, 'utf8').catch(() => undefined) : undefined;
  const wanted = process.env['ERRAND_DEMO_KEY'] || kept?.trim();
  const key = await makeFirstKey(runtime, { tenant: 'demo', ...(wanted ? { key: wanted } : {}) });
  if (file && key !== kept) await writeFile(file, key, { mode: 0o600 });
  return key;
}

export async function publishFlows(baseUrl: string, key: string): Promise<PublishedFlow[]> {
  const folder = join(ROOT, 'flows');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const flows: PublishedFlow[] = [];
  // One after another: side by side they would only wait for more environments to start.
  for (const file of files) flows.push(await publishFlow(join(folder, file), { baseUrl, key }));
  return flows;
}

interface Answer {
  version?: string;
  problems?: Problem[];
  error?: { message?: string; details?: unknown };
}

interface Problem {
  line?: number;
  column?: number;
  message?: string;
}

async function publishFlow(file: string, { baseUrl, key }: { baseUrl: string; key: string }): Promise<PublishedFlow> {
  const source = await readFile(file, 'utf8');
  const name = String((parse(source) as { name?: unknown } | null)?.name ?? file);
  const call = async (path: string, init: { method: string; body?: string; type?: string }) => {
    const headers = { authorization: `Bearer ${key}`, ...(init.type ? { 'content-type': init.type } : {}) };
    const answer = await fetch(`${baseUrl}/v1/flows/${encodeURIComponent(name)}/${path}`, { ...init, headers });
    return { ok: answer.ok, body: (await answer.json()) as Answer };
  };
  const draft = await call('draft', { method: 'PUT', body: source, type: 'application/yaml' });
  if (!draft.ok) return { name, problems: problemLines(draft.body) };
  const published = await call('publish', { method: 'POST' });
  const { version } = published.body;
  if (published.ok && version) return { name, version, problems: [] };
  const problems = [...problemLines(draft.body), ...problemLines(published.body)];
  return { name, problems: [...new Set(problems)] };
}

function problemLines({ problems, error }: Answer): string[] {
  const listed = problems ?? (Array.isArray(error?.details) ? (error.details as Problem[]) : []);
  const lines = listed
    .filter(({ message }) => message)
    .map(({ line, column, message }) => (line === undefined ? `${message}` : `${line}:${column ?? 1} ${message}`));
  return lines.length === 0 && error?.message ? [error.message] : lines;
}
