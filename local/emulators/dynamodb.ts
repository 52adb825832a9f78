// The DynamoDB of this machine: a native server in a child process, or any compatible one that runs elsewhere.
// It asks nobody who they are, so the platform reaches it through a guard. Its tables are made in tables.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { forwardTo, startGuarded } from './guard.ts';

export interface DynamoDb {
  /** Of the guard. */
  endpoint: string;
  /** Of the server behind it, which flows must not reach either; 0 where it is the protocol's own. */
  hiddenPort: number;
  stop(): Promise<void>;
}

interface Server {
  endpoint: string;
  stop(): Promise<void>;
}

const START_ATTEMPTS = 3;
const START_DEADLINE_MS = 10_000;

// The shell outlives a runtime that was killed only until it sees the end of its stdin; then it ends the server.
const GUARD = '"$0" "$@" </dev/null >/dev/null 2>&1 & p=$!; cat >/dev/null; kill $p; wait $p';

/** `file` keeps the tables; without it they end with the runtime. */
export async function startDynamoDb(file: string | null): Promise<DynamoDb> {
  const server = await startServer(file);
  const forward = forwardTo(server.endpoint);
  const guard = await startGuarded(forward);
  return {
    endpoint: guard.endpoint,
    hiddenPort: Number(new URL(server.endpoint).port),
    async stop() {
      await guard.stop();
      forward[Symbol.dispose]();
      await server.stop();
    },
  };
}

async function startServer(file: string | null): Promise<Server> {
  const external = process.env['ERRAND_DYNAMODB_ENDPOINT'];
  if (external) return { endpoint: external.replace(/\/$/, ''), stop: async () => {} };
  const binary = findBinary();
  // The server does not report which port it took when asked for port 0, so a free one is chosen here; it may be lost to
  // somebody else in between, hence the attempts.
  for (let attempt = 1; ; attempt++) {
    const host = drawHost();
    const port = await freePort(host);
    const store = file ? ['--db-path', file] : [];
    const server = spawn('/bin/sh', ['-c', GUARD, binary, '--host', host, '--port', String(port), ...store], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // Ctrl-C at the terminal is for the runtime, which still needs its tables to stop in order.
      detached: true,
    });
    const endpoint = `http://${host}:${port}`;
    if (await answers(endpoint, server)) return { endpoint, stop: () => stop(server) };
    await stop(server);
    if (attempt === START_ATTEMPTS) throw new Error(`The local DynamoDB (${binary}) did not start`);
  }
}

function findBinary(): string {
  const named = process.env['DYNOXIDE_BIN'];
  if (named) return named;
  try {
    return createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
  } catch (cause) {
    throw new Error(
      [
        `No local DynamoDB comes with Errand for ${process.platform}-${process.arch}. Start any compatible server, then:`,
        '',
        '  docker run -d -p 8000:8000 amazon/dynamodb-local',
        '  ERRAND_DYNAMODB_ENDPOINT=http://127.0.0.1:8000 npm start',
        '',
        'or name a dynoxide binary: DYNOXIDE_BIN=/path/to/dynoxide npm start',
      ].join('\n'),
      { cause },
    );
  }
}

/** Linux answers on all of 127.0.0.0/8: an address that nobody finds by trying. Elsewhere there is only one. */
function drawHost(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function answers(endpoint: string, server: ChildProcess): Promise<boolean> {
  const deadlineMs = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadlineMs && server.exitCode === null) {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
      body: '{}',
    }).catch(() => undefined);
    // Whoever else took the port meanwhile would not name a request so.
    if (answer?.headers.has('x-amzn-requestid')) return true;
    await sleep(20);
  }
  return false;
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.stdin?.end();
  await ended;
}
