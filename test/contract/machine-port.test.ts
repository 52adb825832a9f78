// The Machine port by its only adapter, against the local Step Functions.

import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';
import { makeMachine } from '../../lambdas/aws/machine.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { startMachineServer } from '../../local/machine-server.ts';

const RUN = '018f4e3a-7b6c-7d8e-9f01-23456789abcd';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:park';
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Trial';

const parking = {
  StartAt: 'Park',
  States: {
    Park: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: FUNCTION, Payload: { 'token.$': '$$.Task.Token', 'input.$': '$' } },
      TimeoutSecondsPath: '$.parkSeconds',
      End: true,
    },
  },
};

async function trial() {
  const parked: { token: string; input: unknown }[] = [];
  const server = await startMachineServer({
    machines: [{ arn: MACHINE, definition: parking }],
    stateFile: null,
    invoke: async (_name, payload) => {
      parked.push(payload as { token: string; input: unknown });
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
  const readStatus = async (name: string) => {
    const executionArn = `${MACHINE.replace('stateMachine', 'execution')}:${name}`;
    return (await client.send(new DescribeExecutionCommand({ executionArn }))).status;
  };
  return { client, parked, readStatus, machine: makeMachine({ machineArn: MACHINE, client }) };
}

test('starts an execution that is named after the run and its handoff, and holds ids only', async () => {
  const { machine, parked, readStatus } = await trial();
  await machine.start({ runId: RUN, handoff: 2, parkSeconds: 41.5 });
  await expect.poll(() => parked).toHaveLength(1);
  expect(parked[0]?.input).toEqual({ runId: RUN, handoff: 2, next: 'park', parkSeconds: 42 });
  expect(await readStatus(`${RUN}-2`)).toBe('RUNNING');
});

test('begins with an Advance where there is nothing to wait for', async () => {
  const { machine, parked } = await trial();
  await machine.start({ runId: RUN, handoff: 1 });
  await expect.poll(() => parked).toHaveLength(1);
  expect(parked[0]?.input).toMatchObject({ next: 'advance' });
});

test('starts the same execution once, however often it is asked, even after its end', async () => {
  const { machine, parked, readStatus } = await trial();
  await machine.start({ runId: RUN, handoff: 1, parkSeconds: 60 });
  await machine.start({ runId: RUN, handoff: 1, parkSeconds: 60 });
  await machine.start({ runId: RUN, handoff: 1, parkSeconds: 59 });
  await expect.poll(() => parked).toHaveLength(1);
  await machine.wake(parked[0]?.token ?? '');
  await expect.poll(() => readStatus(`${RUN}-1`)).toBe('SUCCEEDED');
  await machine.start({ runId: RUN, handoff: 1, parkSeconds: 60 });
  expect(parked).toHaveLength(1);
});

test('wakes a Park once; later there is nobody to wake', async () => {
  const { machine, parked, readStatus } = await trial();
  await machine.start({ runId: RUN, handoff: 1, parkSeconds: 60 });
  await expect.poll(() => parked).toHaveLength(1);
  const token = parked[0]?.token ?? '';
  expect(await machine.wake(token)).toBe(true);
  await expect.poll(() => readStatus(`${RUN}-1`)).toBe('SUCCEEDED');
  expect(await machine.wake(token)).toBe(false);
});

test('finds nobody under a token that was never given', async () => {
  const { machine } = await trial();
  expect(await machine.wake('bm8gc3VjaCB0b2tlbg==')).toBe(false);
});

test('says so when it is asked to start executions without knowing its machine', async () => {
  const { client } = await trial();
  await expect(makeMachine({ client }).start({ runId: RUN, handoff: 1 })).rejects.toThrow('no machine');
});

test('takes a service that is away for a fault, not for a Park that has gone', async () => {
  const client = new SFNClient({
    endpoint: 'http://127.0.0.1:9',
    region: 'us-east-1',
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
  await expect(makeMachine({ machineArn: MACHINE, client }).wake('token')).rejects.toThrow();
});
