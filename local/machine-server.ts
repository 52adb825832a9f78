// Step Functions on this machine: the real wire (AWS JSON 1.0) in front of the interpreter in state-machine/.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startGuarded } from './emulators/guard.ts';
import { CALLS } from './state-machine/api.ts';
import { Executions, type ExecutionsOptions } from './state-machine/executions.ts';
import { ServiceRefusal } from './state-machine/failure.ts';

const TARGET = /^AWSStepFunctions\.(\w+)$/;

export interface MachineServerOptions extends ExecutionsOptions {
  /** 0 takes any that is free. */
  port?: number;
}

/** Fails when a definition holds anything that does not run here. Executions that were running go on at once. */
export async function startMachineServer(
  options: MachineServerOptions,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  const executions = new Executions(options);
  const { endpoint, stop } = await startGuarded(
    (request, response) => void answer(executions, request, response),
    options.port,
  );
  executions.resume();
  return {
    endpoint,
    async close() {
      executions.close();
      await stop();
    },
  };
}

async function answer(executions: Executions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await readCall(request)
    .then((call) => ({ status: 200, body: call(executions) }))
    .catch(refusal);
  response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0', 'x-amzn-RequestId': randomUUID() });
  response.end(JSON.stringify(body));
}

async function readCall(request: IncomingMessage): Promise<(executions: Executions) => object> {
  const body = await text(request);
  const action = TARGET.exec(String(request.headers['x-amz-target']))?.[1] ?? '';
  const call = Object.hasOwn(CALLS, action) ? CALLS[action] : undefined;
  if (!call) throw new ServiceRefusal('UnknownOperationException', `'${action}' is not emulated here`);
  const parsed = call.request.safeParse(parseBody(body));
  if (parsed.success) return (executions) => call.answer(executions, parsed.data as never);
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new ServiceRefusal('ValidationException', problems);
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ServiceRefusal('SerializationException', 'The body is not JSON');
  }
}

function refusal(error: unknown): { status: number; body: object } {
  if (error instanceof ServiceRefusal) return { status: 400, body: { __type: error.type, message: error.message } };
  return { status: 500, body: { __type: 'InternalFailure', message: String(error) } };
}
