// Starts a wire-compatible DynamoDB in memory for contract tests, and ends it with the process that asked for it.
// What is stored in it, and in which tables, is the business of the tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LocalDynamoDb {
  /** For the client: `{ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }`. */
  endpoint: string;
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;
const START_DEADLINE_MS = 10_000;

// The shell outlives a test process that was killed only until it sees end-of-file on its stdin; then it ends the server.
const GUARD = '"$0" "$@" </dev/null >/dev/null 2>&1 & p=$!; cat >/dev/null; kill $p; wait $p';

export async function startDynamoDb(): Promise<LocalDynamoDb> {
  const binary = createRequire(import.meta.url).resolve('@dynoxide/linux-x64/dynoxide');
  // The server does not say which port it took when asked for port 0, so a free one is chosen here; it may be lost to
  // somebody else in between, hence the attempts.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const guard = spawn('/bin/sh', ['-c', GUARD, binary, '--port', String(port)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const endpoint = `http://127.0.0.1:${port}`;
    if (await answers(endpoint, guard)) return { endpoint, stop: () => stop(guard) };
    await stop(guard);
    if (attempt === START_ATTEMPTS) throw new Error(`The local DynamoDB (${binary}) did not start`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function answers(endpoint: string, guard: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline && guard.exitCode === null) {
    // Only this server names itself so in a refusal; another process on the port would not.
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
      body: '{}',
    }).catch(() => undefined);
    if (answer?.headers.has('x-amzn-requestid')) return true;
    await sleep(20);
  }
  return false;
}

async function stop(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null) return;
  const ended = new Promise((resolve) => guard.once('exit', resolve));
  guard.stdin?.end();
  await ended;
}
