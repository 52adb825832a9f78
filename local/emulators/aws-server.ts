// The AWS endpoints that need no emulator of their own: Lambda's Invoke, GetSecretValue, and a refusal of everything
// else, so that no call of a function can leave the machine.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../functions/environment.ts';
import { type GuardedServer, startGuarded } from './guard.ts';
import type { Secret } from './secrets.ts';

export interface AwsServerOptions {
  secrets: Secret[];
  has(nameOrArn: string): Promise<boolean>;
  /** `tenant`: of a function that keeps tenants apart. */
  invoke(nameOrArn: string, payload: string, tenant?: string): Promise<Outcome | undefined>;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string | Uint8Array;
}

const INVOKE_PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
// Lambda runs an asynchronous event again after one and after two more minutes.
const ASYNC_RETRY_MS = [60_000, 120_000];

export function startAwsServer(options: AwsServerOptions): Promise<GuardedServer> {
  return startGuarded((request, response) => {
    void answer(request, options)
      .catch((error: Error) => awsError(500, 'InternalFailure', error.message))
      .then((result) => send(response, result));
  });
}

async function answer(request: IncomingMessage, options: AwsServerOptions): Promise<Answer> {
  const body = (await buffer(request)).toString();
  const functionName = INVOKE_PATH.exec(request.url?.split('?')[0] ?? '')?.[1];
  const target = String(request.headers['x-amz-target'] ?? '');
  if (request.method === 'POST' && functionName) {
    const later = request.headers['x-amz-invocation-type'] === 'Event';
    const tenant = request.headers['x-amz-tenant-id'];
    const call = { payload: body || '{}', later, ...(typeof tenant === 'string' ? { tenant } : {}) };
    return invokeFunction(decodeURIComponent(functionName), call, options);
  }
  if (target === 'secretsmanager.GetSecretValue') return secretValue(body, options.secrets);
  const wanted = target || `${request.method} ${request.url}`;
  return awsError(400, 'UnknownOperationException', `not emulated locally: ${wanted} (host ${request.headers.host})`);
}

async function invokeFunction(
  nameOrArn: string,
  { payload, later, tenant }: { payload: string; later: boolean; tenant?: string },
  { has, invoke }: AwsServerOptions,
): Promise<Answer> {
  const unknown = awsError(404, 'ResourceNotFoundException', `Function not found: ${nameOrArn}`);
  if (later) {
    if (!(await has(nameOrArn))) return unknown;
    void invokeLater(() => invoke(nameOrArn, payload, tenant));
    return { status: 202, body: '' };
  }
  const outcome = await invoke(nameOrArn, payload, tenant);
  if (!outcome) return unknown;
  if (outcome.errorType === 'InvalidParameterValueException') {
    return awsError(
      400,
      outcome.errorType,
      (JSON.parse(String(outcome.payload)) as { errorMessage: string }).errorMessage,
    );
  }
  if (outcome.status === 'throttled') return awsError(429, 'TooManyRequestsException', 'Rate Exceeded.');
  const failed = outcome.status === 'failed' ? { 'x-amz-function-error': 'Unhandled' } : undefined;
  return { status: 200, headers: { 'x-amz-executed-version': '$LATEST', ...failed }, body: outcome.payload };
}

async function invokeLater(invoke: () => Promise<Outcome | undefined>): Promise<void> {
  for (const delayMs of [...ASYNC_RETRY_MS, 0]) {
    const outcome = await invoke();
    if (!outcome || outcome.status === 'succeeded') return;
    await sleep(delayMs, undefined, { ref: false });
  }
}

function secretValue(body: string, secrets: Secret[]): Answer {
  const input = JSON.parse(body) as { SecretId?: string; VersionStage?: string };
  const secret = secrets.find(({ arn, name }) => input.SecretId === arn || input.SecretId === name);
  if (!secret || (input.VersionStage ?? 'AWSCURRENT') !== 'AWSCURRENT') {
    return awsError(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return {
    status: 200,
    body: JSON.stringify({
      ARN: secret.arn,
      Name: secret.name,
      SecretString: secret.text,
      VersionId: 'local',
      VersionStages: ['AWSCURRENT'],
    }),
  };
}

function awsError(status: number, code: string, message: string): Answer {
  return {
    status,
    headers: { 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, Message: message, message }),
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
