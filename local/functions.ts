// Finds the function that is meant and runs it: those of the template, and the user's own under flows/functions,
// which play functions that already exist in the account.

import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT, functionArn, REGION, readFunctionName } from './aws-names.ts';
import { type FunctionSpec, findFunction } from './blueprint/functions.ts';
import { CREDENTIALS } from './credentials.ts';
import type { EnvironmentOptions, Outcome, Sink } from './functions/environment.ts';
import { Pool, type PoolLimits } from './functions/pool.ts';

export interface Functions {
  /** Undefined when there is no such function. */
  invoke(nameOrArn: string, payload: string, sink?: Sink): Promise<Outcome | undefined>;
  hasOwn(nameOrArn: string): Promise<boolean>;
  /** Of the user's own functions, and of no other. */
  invokeOwn(nameOrArn: string, payload: string): Promise<Outcome | undefined>;
  /** Of a function that keeps tenants apart, and of no other. */
  invokeFor(tenant: string, nameOrArn: string, payload: string): Promise<Outcome | undefined>;
  close(): Promise<void>;
}

export interface FunctionsOptions {
  specs: FunctionSpec[];
  /** Where `<name>.mjs` is the user's function `<name>`. */
  ownFolder: string;
  /** `AWS_ENDPOINT_URL…`: where the emulators are. */
  endpoints: Record<string, string>;
  /** `OPENAI_…` of this terminal, for functions whose template asks for such an endpoint. */
  models?: Record<string, string>;
  concurrency: number;
  logFd: number;
  /** Called after every invocation that has ended. */
  onInvocation?(invocation: Invocation): void;
}

export interface Invocation {
  functionName: string;
  requestId: string;
  outcome: Outcome;
}

interface FoundFunction {
  spec: FunctionSpec;
  /** Of its pool. */
  key: string;
}

const OWN_TIMEOUT_SECONDS = 60;
const OWN_MEMORY_MB = 256;
const MAX_WAITING = 1_000;
const IDLE_MS = 60_000;

export function createFunctions(options: FunctionsOptions): Functions {
  const limits: PoolLimits = {
    environments: options.concurrency,
    starts: availableParallelism(),
    waiting: MAX_WAITING,
    idleMs: IDLE_MS,
  };
  const pools = new Map<string, Pool>();

  const findPool = (key: string, spec: FunctionSpec): Pool => {
    const pool = pools.get(key) ?? new Pool(environmentOptions(spec, options), limits);
    pools.set(key, pool);
    return pool;
  };

  const find = (nameOrArn: string): FoundFunction | undefined => {
    const spec = findFunction(options.specs, nameOrArn);
    return spec && { spec, key: spec.name };
  };

  const findOwnPool = async (nameOrArn: string): Promise<FoundFunction | undefined> => {
    const own = await findOwn(options.ownFolder, readFunctionName(nameOrArn));
    // A saved file is a new deployment: its next invocation starts from the new code.
    return own && { spec: own.spec, key: `${own.spec.name}@${own.version}` };
  };

  const invoke = async (
    nameOrArn: string,
    found: FoundFunction | undefined,
    { tenant, ...call }: { payload: string; sink?: Sink | undefined; tenant?: string },
  ) => {
    if (!found) return undefined;
    const { spec, key } = found;
    if (spec.perTenant !== (tenant !== undefined)) return WRONG_TENANCY;
    const requestId = randomUUID();
    const outcome = await findPool(tenant === undefined ? key : `${key}/${tenant}`, spec).invoke({
      requestId,
      ...call,
    });
    options.onInvocation?.({ functionName: readFunctionName(nameOrArn), requestId, outcome });
    return outcome;
  };

  return {
    invoke: (nameOrArn, payload, sink) => invoke(nameOrArn, find(nameOrArn), { payload, sink }),
    hasOwn: async (nameOrArn) => Boolean(await findOwnPool(nameOrArn)),
    invokeOwn: async (nameOrArn, payload) => invoke(nameOrArn, await findOwnPool(nameOrArn), { payload }),
    invokeFor: (tenant, nameOrArn, payload) => invoke(nameOrArn, find(nameOrArn), { payload, tenant }),
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html
const WRONG_TENANCY: Outcome = {
  status: 'failed',
  errorType: 'InvalidParameterValueException',
  payload: JSON.stringify({
    errorType: 'InvalidParameterValueException',
    errorMessage: 'A tenant ID goes with functions that are isolated by tenant, and with no others',
  }),
};

/** Fails with the name of Lambda's exception when the function does not exist or takes no more. */
export async function invokeParsed(
  functions: Functions,
  name: string,
  event: unknown,
): Promise<{ payload: unknown; functionError?: string }> {
  const outcome = await functions.invoke(name, JSON.stringify(event ?? {}));
  if (!outcome) throw Object.assign(new Error(`Function not found: ${name}`), { name: 'ResourceNotFoundException' });
  if (outcome.status === 'throttled') {
    throw Object.assign(new Error('Rate Exceeded.'), { name: 'TooManyRequestsException' });
  }
  const payload: unknown = JSON.parse(Buffer.from(outcome.payload).toString() || 'null');
  return outcome.status === 'failed' ? { payload, functionError: 'Unhandled' } : { payload };
}

async function findOwn(folder: string, name: string): Promise<{ spec: FunctionSpec; version: number } | undefined> {
  if (!/^[\w-]+$/.test(name)) return undefined;
  const file = await stat(join(folder, `${name}.mjs`)).catch(() => undefined);
  if (!file?.isFile()) return undefined;
  const spec = {
    name,
    arn: functionArn(name),
    path: name,
    directory: folder,
    runtime: 'nodejs' as const,
    perTenant: false,
    handler: `${name}.handler`,
    timeoutSeconds: OWN_TIMEOUT_SECONDS,
    memoryMb: OWN_MEMORY_MB,
    environment: {},
  };
  return { spec, version: file.mtimeMs };
}

function environmentOptions(spec: FunctionSpec, { endpoints, models, logFd }: FunctionsOptions): EnvironmentOptions {
  const dot = spec.handler.lastIndexOf('.');
  return {
    name: spec.name,
    arn: spec.arn,
    runtime: spec.runtime,
    file: join(spec.directory, `${spec.handler.slice(0, dot)}${spec.runtime === 'python' ? '.py' : '.mjs'}`),
    exportName: spec.handler.slice(dot + 1),
    timeoutMs: spec.timeoutSeconds * 1_000,
    memoryMb: spec.memoryMb,
    variables: {
      ...spec.environment,
      ...lambdaVariables(spec),
      ...endpoints,
      ...('OPENAI_BASE_URL' in spec.environment && models),
    },
    logFd,
  };
}

/** What Lambda itself sets. Nothing of this machine's own environment reaches a function but where its programs are. */
function lambdaVariables(spec: FunctionSpec): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ACCOUNT_ID: ACCOUNT,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${spec.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: spec.directory,
    LANG: 'en_US.UTF-8',
    PATH: process.env['PATH'] ?? '',
    TZ: ':UTC',
    _HANDLER: spec.handler,
  };
}
