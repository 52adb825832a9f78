// The local Step Functions by the real SDK: what callers of the service rely on.

import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';
import { CREDENTIALS } from '../../local/credentials.ts';
import { signHeaders } from '../../local/emulators/signature.ts';
import { startMachineServer } from '../../local/machine-server.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Trial';
const EXECUTION = 'arn:aws:states:us-east-1:000000000000:execution:Trial';

const parking = {
  StartAt: 'Park',
  States: {
    Park: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: FUNCTION, Payload: { 'token.$': '$$.Task.Token' } },
      TimeoutSecondsPath: '$.seconds',
      Catch: [{ ErrorEquals: ['Told'], ResultPath: '$.failure', Next: 'Done' }],
      Next: 'Done',
    },
    Done: { Type: 'Succeed' },
  },
};

/** A server with the parking machine, and the tokens it has handed out. */
async function trial() {
  const tokens: string[] = [];
  const server = await startMachineServer({
    machines: [{ arn: MACHINE, definition: parking }],
    stateFile: null,
    invoke: async (_name, payload) => {
      tokens.push((payload as { token: string }).token);
      return { payload: null };
    },
  });
  const client = new SFNClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    client.destroy();
    await server.close();
  });
  const start = async (name: string, seconds = 600) => {
    const input = JSON.stringify({ seconds });
    return client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name, input }));
  };
  const token = async (index = 0): Promise<string> => {
    await until(() => tokens.length > index);
    return tokens[index] ?? '';
  };
  const ended = async (name: string) => {
    for (;;) {
      const execution = await client.send(new DescribeExecutionCommand({ executionArn: `${EXECUTION}:${name}` }));
      if (execution.status !== 'RUNNING') return execution;
      await delay(5);
    }
  };
  return { client, start, token, ended };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

test('a task token completes its task with the output that is sent', async () => {
  const { client, start, token, ended } = await trial();
  const { executionArn, startDate } = await start('a');
  expect(executionArn).toBe(`${EXECUTION}:a`);
  expect(Math.abs(Date.now() - (startDate?.getTime() ?? 0))).toBeLessThan(60_000);
  await client.send(new SendTaskSuccessCommand({ taskToken: await token(), output: '{"answer":42}' }));
  expect(await ended('a')).toMatchObject({ status: 'SUCCEEDED', output: '{"answer":42}', stateMachineArn: MACHINE });
});

test('a task token fails its task with the error and cause that are sent', async () => {
  const { client, start, token, ended } = await trial();
  await start('a');
  await client.send(new SendTaskFailureCommand({ taskToken: await token(), error: 'Told', cause: 'so' }));
  const { status, output } = await ended('a');
  expect(status).toBe('SUCCEEDED');
  expect(JSON.parse(output ?? '')).toEqual({ seconds: 600, failure: { Error: 'Told', Cause: 'so' } });
});

test('a token may be completed before the function that was given it has answered', async () => {
  const server = await startMachineServer({
    machines: [{ arn: MACHINE, definition: parking }],
    stateFile: null,
    invoke: async (_name, payload) => {
      const { token } = payload as { token: string };
      await client.send(new SendTaskSuccessCommand({ taskToken: token, output: '"early"' }));
      return { payload: null };
    },
  });
  const client = new SFNClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
  });
  onTestFinished(() => server.close());
  await client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name: 'a', input: '{"seconds":600}' }));
  const describe = new DescribeExecutionCommand({ executionArn: `${EXECUTION}:a` });
  await expect.poll(async () => (await client.send(describe)).output).toBe('"early"');
});

test('a token is completed once: a second completion finds the task gone', async () => {
  const { client, start, token } = await trial();
  await start('a');
  const taskToken = await token();
  await client.send(new SendTaskHeartbeatCommand({ taskToken }));
  await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
  for (const again of [
    new SendTaskSuccessCommand({ taskToken, output: '{}' }),
    new SendTaskFailureCommand({ taskToken }),
    new SendTaskHeartbeatCommand({ taskToken }),
  ]) {
    await expect(client.send(again as SendTaskSuccessCommand)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  }
});

test('a token ends with the timeout of its task', async () => {
  const { client, start, token, ended } = await trial();
  await start('a', 1);
  expect(await ended('a')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  const late = new SendTaskSuccessCommand({ taskToken: await token(), output: '{}' });
  await expect(client.send(late)).rejects.toMatchObject({ name: 'TaskTimedOut' });
});

test('what is not a token, or of no execution, gets an error of its own', async () => {
  const { client } = await trial();
  const garbage = new SendTaskSuccessCommand({ taskToken: 'garbage', output: '{}' });
  await expect(client.send(garbage)).rejects.toMatchObject({ name: 'InvalidToken' });
  const foreign = Buffer.from(JSON.stringify([`${EXECUTION}:gone`, 'x'])).toString('base64');
  const unknown = new SendTaskSuccessCommand({ taskToken: foreign, output: '{}' });
  await expect(client.send(unknown)).rejects.toMatchObject({ name: 'TaskDoesNotExist' });
});

test('an output that is not JSON is refused and the task goes on waiting', async () => {
  const { client, start, token, ended } = await trial();
  await start('a');
  const taskToken = await token();
  const wrong = new SendTaskSuccessCommand({ taskToken, output: 'not json' });
  await expect(client.send(wrong)).rejects.toMatchObject({ name: 'InvalidOutput' });
  await client.send(new SendTaskSuccessCommand({ taskToken, output: '1' }));
  expect(await ended('a')).toMatchObject({ output: '1' });
});

test('the same name and input while running is the same execution; anything else is refused', async () => {
  const { client, start, token, ended } = await trial();
  const first = await start('a');
  expect(await start('a')).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });
  await expect(start('a', 601)).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await client.send(new SendTaskSuccessCommand({ taskToken: await token(), output: '{}' }));
  await ended('a');
  await expect(start('a')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
});

test('a wrong start is refused by the name of what is wrong, and starts nothing', async () => {
  const { client } = await trial();
  const start = (more: object) => client.send(new StartExecutionCommand({ stateMachineArn: MACHINE, ...more }));
  await expect(start({ stateMachineArn: `${MACHINE}x` })).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
  await expect(start({ input: '{' })).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
  await expect(start({ name: 'a b' })).rejects.toMatchObject({ name: 'InvalidName' });
  await expect(start({ name: 'x'.repeat(81) })).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(start({ input: `"${'x'.repeat(262_144)}"` })).rejects.toMatchObject({ name: 'ValidationException' });
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }));
  expect(executions).toEqual([]);
});

test('a stopped execution is aborted at once, its token with it', async () => {
  const { client, start, token, ended } = await trial();
  const { executionArn } = await start('a');
  const taskToken = await token();
  const { stopDate } = await client.send(
    new StopExecutionCommand({ executionArn, error: 'Enough', cause: 'asked for' }),
  );
  expect(stopDate).toBeInstanceOf(Date);
  expect(await ended('a')).toMatchObject({ status: 'ABORTED', error: 'Enough', cause: 'asked for' });
  await expect(client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }))).rejects.toMatchObject({
    name: 'TaskTimedOut',
  });
  const again = await client.send(new StopExecutionCommand({ executionArn }));
  expect(again.stopDate).toEqual(stopDate);
});

test('executions are listed newest first, by status and page by page', async () => {
  const { client, start } = await trial();
  for (const name of ['a', 'b', 'c']) await start(name);
  await client.send(new StopExecutionCommand({ executionArn: `${EXECUTION}:b` }));
  const list = async (more: { statusFilter?: ExecutionStatus; maxResults?: number; nextToken?: string }) => {
    const page = await client.send(new ListExecutionsCommand({ stateMachineArn: MACHINE, ...more }));
    return { names: page.executions?.map(({ name }) => name), nextToken: page.nextToken };
  };
  expect((await list({ statusFilter: 'RUNNING' })).names).toEqual(['c', 'a']);
  const first = await list({ maxResults: 2 });
  expect(first.names).toEqual(['c', 'b']);
  expect(await list({ maxResults: 2, nextToken: first.nextToken ?? '' })).toEqual({
    names: ['a'],
    nextToken: undefined,
  });
});

test('the history is read in either order', async () => {
  const { client, start, token, ended } = await trial();
  const { executionArn } = await start('a');
  await client.send(new SendTaskSuccessCommand({ taskToken: await token(), output: '{}' }));
  await ended('a');
  const forth = await client.send(new GetExecutionHistoryCommand({ executionArn }));
  const back = await client.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }));
  expect(forth.events?.at(0)).toMatchObject({ id: 1, type: 'ExecutionStarted' });
  expect(forth.events?.at(-1)).toMatchObject({
    type: 'ExecutionSucceeded',
    executionSucceededEventDetails: { output: '{}' },
  });
  expect(back.events?.map(({ id }) => id)).toEqual(forth.events?.map(({ id }) => id).reverse());
});

test('machines are listed and described; what is not there is refused', async () => {
  const { client } = await trial();
  const { stateMachines } = await client.send(new ListStateMachinesCommand({}));
  expect(stateMachines).toMatchObject([{ stateMachineArn: MACHINE, name: 'Trial', type: 'STANDARD' }]);
  const machine = await client.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE }));
  expect(JSON.parse(machine.definition ?? '')).toEqual(parking);
  const gone = new DescribeExecutionCommand({ executionArn: `${EXECUTION}:gone` });
  await expect(client.send(gone)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});

test('a call that is not emulated is refused by name, and a body that is not JSON does no harm', async () => {
  const server = await startMachineServer({ machines: [], stateFile: null, invoke: async () => ({ payload: null }) });
  onTestFinished(() => server.close());
  const post = async (action: string, body: string) => {
    const { host: _, ...headers } = signHeaders(server.endpoint, {
      region: 'us-east-1',
      headers: { 'x-amz-target': `AWSStepFunctions.${action}` },
      body,
    });
    const response = await fetch(server.endpoint, { method: 'POST', headers, body });
    return { status: response.status, ...((await response.json()) as object) };
  };
  expect(await post('CreateStateMachine', '{}')).toMatchObject({ status: 400, __type: 'UnknownOperationException' });
  expect(await post('constructor', '{}')).toMatchObject({ status: 400, __type: 'UnknownOperationException' });
  expect(await post('DescribeExecution', '{')).toMatchObject({ status: 400, __type: 'SerializationException' });
  expect(await post('DescribeExecution', '[]')).toMatchObject({ status: 400, __type: 'ValidationException' });
});

test('a definition that does not run here fails at the start, by state and field', async () => {
  const definition = { StartAt: 'A', States: { A: { Type: 'Map', End: true } } };
  const options = {
    machines: [{ arn: MACHINE, definition }],
    stateFile: null,
    invoke: async () => ({ payload: null }),
  };
  await expect(startMachineServer(options)).rejects.toThrow(/States\.A\.Type/);
});
