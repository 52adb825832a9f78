// The calls of the Step Functions API that run here: what each takes, and what it answers.

import { z } from 'zod';
import { MAX_DATA_BYTES } from './data-flow.ts';
import type { Executions, Machine } from './executions.ts';
import { ServiceRefusal, StateFailure } from './failure.ts';
import type { EventRow, ExecutionRow } from './journal.ts';
import type { Json } from './path.ts';

const page = {
  maxResults: z.int().min(0).max(1_000).default(100),
  nextToken: z.string().regex(/^\d+$/).optional(),
};
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const arn = z.string().min(1).max(2_048);
const executionName = z.string().min(1).max(80).optional();

// AWS refuses brackets, wildcards, quotes and control characters in names:
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const BAD_NAME = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;

interface Call {
  request: z.ZodType;
  answer(executions: Executions, request: never): object;
}

const call = <Request extends z.ZodType>(
  request: Request,
  answer: (executions: Executions, request: z.infer<Request>) => object,
): Call => ({ request, answer });

export const CALLS: Record<string, Call> = {
  StartExecution: call(
    z.object({ stateMachineArn: arn, name: executionName, input: z.string().default('{}') }),
    (executions, { stateMachineArn, name, input }) => {
      if (name !== undefined && BAD_NAME.test(name)) throw new ServiceRefusal('InvalidName', `Invalid Name: '${name}'`);
      const { arn: executionArn, startedAt: startDate } = executions.start(stateMachineArn, input, name);
      return { executionArn, startDate };
    },
  ),
  StopExecution: call(
    z.object({ executionArn: arn, error: z.string().max(256).optional(), cause: z.string().max(32_768).optional() }),
    (executions, { executionArn, ...reason }) => ({ stopDate: executions.stop(executionArn, reason).endedAt }),
  ),
  DescribeExecution: call(z.object({ executionArn: arn }), (executions, { executionArn }) =>
    describe(executions.execution(executionArn)),
  ),
  ListExecutions: call(
    z.object({ stateMachineArn: arn, statusFilter: z.enum(STATUSES).optional(), ...page }),
    (executions, { stateMachineArn, statusFilter, ...asked }) => {
      const { arn: machine } = executions.machine(stateMachineArn);
      const { items, nextToken } = paged(asked, (range) =>
        executions.journal.executions({ machine, status: statusFilter, ...range }),
      );
      return { executions: items.map(summarize), nextToken };
    },
  ),
  GetExecutionHistory: call(
    z.object({ executionArn: arn, reverseOrder: z.boolean().default(false), ...page }),
    (executions, { executionArn, reverseOrder: reverse, ...asked }) => {
      const row = executions.execution(executionArn);
      const { items, nextToken } = paged(asked, (range) => executions.journal.events(row.arn, { reverse, ...range }));
      return { events: items.map(renderEvent), nextToken };
    },
  ),
  SendTaskSuccess: call(
    z.object({ taskToken: z.string(), output: z.string() }),
    (executions, { taskToken, output }) => {
      const parsed = parseOutput(output);
      executions.tokens.complete(taskToken, (task) => task.succeed(parsed));
      return {};
    },
  ),
  SendTaskFailure: call(
    z.object({ taskToken: z.string(), error: z.string().optional(), cause: z.string().optional() }),
    (executions, { taskToken, error, cause }) => {
      const failure = new StateFailure(error ?? 'States.TaskFailed', cause ?? '');
      executions.tokens.complete(taskToken, (task) => task.fail(failure));
      return {};
    },
  ),
  SendTaskHeartbeat: call(z.object({ taskToken: z.string() }), (executions, { taskToken }) => {
    executions.tokens.find(taskToken);
    return {};
  }),
  DescribeStateMachine: call(z.object({ stateMachineArn: arn }), (executions, { stateMachineArn }) => {
    const machine = executions.machine(stateMachineArn);
    return { ...summarizeMachine(machine), status: 'ACTIVE', definition: JSON.stringify(machine.source) };
  }),
  ListStateMachines: call(z.object(page), (executions) => ({
    stateMachines: [...executions.machines.values()].map(summarizeMachine),
  })),
};

function paged<Item>(
  { maxResults, nextToken }: { maxResults: number; nextToken?: string | undefined },
  read: (range: { skip: number; limit: number }) => Item[],
): { items: Item[]; nextToken?: string } {
  const skip = Number(nextToken ?? 0);
  // 0 means the default, as with AWS.
  const size = maxResults || 100;
  const items = read({ skip, limit: size + 1 });
  if (items.length <= size) return { items };
  return { items: items.slice(0, size), nextToken: String(skip + size) };
}

const summarizeMachine = ({ arn: stateMachineArn, createdAt: creationDate }: Machine) => ({
  stateMachineArn,
  name: stateMachineArn.split(':').at(-1),
  type: 'STANDARD',
  creationDate,
});

const summarize = (row: ExecutionRow) => ({
  executionArn: row.arn,
  stateMachineArn: row.machine,
  name: row.name,
  status: row.status,
  startDate: row.startedAt,
  ...(row.endedAt !== null && { stopDate: row.endedAt }),
});

const describe = (row: ExecutionRow) => ({
  ...summarize(row),
  input: row.input,
  ...(row.output !== null && { output: row.output }),
  ...(row.error !== null && { error: row.error }),
  ...(row.cause !== null && { cause: row.cause }),
});

const renderEvent = ({ id, at: timestamp, type, details }: EventRow) => ({
  id,
  previousEventId: id - 1,
  timestamp,
  type,
  ...(JSON.parse(details) as object),
});

function parseOutput(output: string): Json {
  if (Buffer.byteLength(output) > MAX_DATA_BYTES) {
    throw new ServiceRefusal('ValidationException', `The output is larger than ${MAX_DATA_BYTES} bytes`);
  }
  try {
    return JSON.parse(output) as Json;
  } catch {
    throw new ServiceRefusal('InvalidOutput', 'Invalid Output: the output is not JSON');
  }
}
