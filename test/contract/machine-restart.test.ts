// Executions outlive the process that runs them: SIGKILL in the middle, then another process on the same state file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';

const SERVER = new URL('../../local/machine-server.ts', import.meta.url).href;
const SECRET = new URL('../../local/credentials.ts', import.meta.url).href;
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Trial';
const EXECUTION = 'arn:aws:states:us-east-1:000000000000:execution:Trial';

const call = (resource: string, payload: object, more: object) => ({
  Type: 'Task',
  Resource: `arn:aws:states:::${resource}`,
  Parameters: { FunctionName: 'f', Payload: payload },
  ...more,
});
const definition = {
  StartAt: 'Before',
  States: {
    Before: call('lambda:invoke', { action: 'before' }, { ResultPath: '$.before', Next: 'Slow' }),
    // Never answered by the first process.
    Slow: call('lambda:invoke', { action: 'slow' }, { ResultPath: null, Next: 'Park' }),
    Park: call(
      'lambda:invoke.waitForTaskToken',
      { action: 'park', 'token.$': '$$.Task.Token' },
      {
        TimeoutSecondsPath: '$.seconds',
        ResultPath: '$.answer',
        Catch: [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.answer', Next: 'Done' }],
        Next: 'Done',
      },
    ),
    Done: { Type: 'Succeed' },
  },
};

interface Invocation {
  action: 'before' | 'slow' | 'park';
  token?: string;
}

interface Started {
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

/** A server in a process of its own, which prints every invocation; those of `hang` are never answered. */
async function serverProcess(stateFile: string, hang: string) {
  const options = JSON.stringify({ machines: [{ arn: MACHINE, definition }], stateFile });
  const source = `
    import { startMachineServer } from ${JSON.stringify(SERVER)};
    import { CREDENTIALS as credentials } from ${JSON.stringify(SECRET)};
    const invoke = async (_name, payload) => {
      console.log(JSON.stringify(payload));
      return payload.action === ${JSON.stringify(hang)} ? new Promise(() => {}) : { payload: payload.action };
    };
    const { endpoint } = await startMachineServer({ ...${options}, invoke });
    console.log(JSON.stringify({ endpoint, credentials }));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const invocations: Invocation[] = [];
  const { promise: started, resolve } = Promise.withResolvers<Started>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const printed = JSON.parse(line) as Invocation | Started;
    if ('endpoint' in printed) resolve(printed);
    else invocations.push(printed);
  });
  const client = new SFNClient({ ...(await started), region: 'us-east-1' });
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const actions = () => invocations.map(({ action }) => action);
  return { client, kill, invocations, actions };
}

async function stateFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'machine-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'machine.sqlite');
}

const start = (client: SFNClient, name: string, seconds: number) =>
  client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name, input: JSON.stringify({ seconds }) }));
const describe = (client: SFNClient, name: string) =>
  client.send(new DescribeExecutionCommand({ executionArn: `${EXECUTION}:${name}` }));

test('goes on after SIGKILL in the state it was in: a task runs again, what came before does not', async () => {
  const file = await stateFile();
  const first = await serverProcess(file, 'slow');
  await start(first.client, 'a', 600);
  await expect.poll(first.actions).toEqual(['before', 'slow']);
  await first.kill();

  const second = await serverProcess(file, 'none');
  await expect.poll(second.actions).toEqual(['slow', 'park']);
  const taskToken = second.invocations[1]?.token ?? '';
  await second.client.send(new SendTaskSuccessCommand({ taskToken, output: '"yes"' }));
  await expect.poll(async () => (await describe(second.client, 'a')).status).toBe('SUCCEEDED');
  const { output } = await describe(second.client, 'a');
  expect(JSON.parse(output ?? '')).toMatchObject({ seconds: 600, before: { Payload: 'before' }, answer: 'yes' });
});

test('a parked task has a new token after a restart, and the old one finds nobody', async () => {
  const file = await stateFile();
  const first = await serverProcess(file, 'none');
  await start(first.client, 'a', 600);
  await expect.poll(first.actions).toEqual(['before', 'slow', 'park']);
  const oldToken = first.invocations[2]?.token ?? '';
  await first.kill();

  const second = await serverProcess(file, 'none');
  await expect.poll(second.actions).toEqual(['park']);
  const newToken = second.invocations[0]?.token ?? '';
  expect(newToken).not.toBe(oldToken);
  const outdated = new SendTaskSuccessCommand({ taskToken: oldToken, output: '1' });
  await expect(second.client.send(outdated)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  await second.client.send(new SendTaskSuccessCommand({ taskToken: newToken, output: '2' }));
  await expect.poll(async () => (await describe(second.client, 'a')).status).toBe('SUCCEEDED');
});

test('a parked task does not wait longer because of a restart', async () => {
  const file = await stateFile();
  const first = await serverProcess(file, 'none');
  await start(first.client, 'a', 1);
  await expect.poll(first.actions).toContain('park');
  await first.kill();
  await new Promise((resolve) => setTimeout(resolve, 1_100));

  const second = await serverProcess(file, 'none');
  await expect.poll(async () => (await describe(second.client, 'a')).status).toBe('SUCCEEDED');
  expect(second.actions()).toEqual([]);
  const { output } = await describe(second.client, 'a');
  expect(JSON.parse(output ?? '')).toMatchObject({ answer: { Error: 'States.Timeout' } });
});

test('twenty executions all end, though the process is killed again and again', async () => {
  const file = await stateFile();
  const names = Array.from({ length: 20 }, (_, index) => `run-${index}`);
  let restarts = 0;
  let server = await serverProcess(file, 'slow');
  await Promise.all(names.map((name) => start(server.client, name, 2)));
  for (const hang of ['slow', 'none', 'none']) {
    await expect.poll(() => server.invocations.length).toBeGreaterThan(0);
    await server.kill();
    restarts += 1;
    server = await serverProcess(file, hang);
  }
  const statuses = async () => {
    const executions = await Promise.all(names.map((name) => describe(server.client, name)));
    return new Set(executions.map(({ status }) => status));
  };
  await expect.poll(statuses, { timeout: 20_000 }).toEqual(new Set(['SUCCEEDED']));
  expect(restarts).toBe(3);
});
