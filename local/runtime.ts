// The whole platform on one machine, from the synthesized template: starts the emulators, puts the template's resources
// into them, and connects routes, queues, schedules and machines to the functions.

import { join } from 'node:path';
import { readAssembly } from './assembly.ts';
import { type Blueprint, readBlueprint } from './blueprint/blueprint.ts';
import { startAwsServer } from './emulators/aws-server.ts';
import { type DynamoDb, startDynamoDb } from './emulators/dynamodb.ts';
import { type QueuesAndBuckets, startQueuesAndBuckets } from './emulators/queues.ts';
import { openSecrets, type Secret } from './emulators/secrets.ts';
import { createTables, sweepExpiredItems } from './emulators/tables.ts';
import { type Endpoints, endpointVariables, ownPortsVariable } from './endpoints.ts';
import { type Chaos, startEventSources } from './event-sources.ts';
import { createFunctions, type Functions, type Invocation, invokeParsed } from './functions.ts';
import { type Gateway, startGateway } from './gateway/gateway.ts';
import { createLocalPages } from './local-pages.ts';
import { type Log, openLog } from './log.ts';
import { startMachineServer } from './machine-server.ts';
import { startSchedules } from './schedules.ts';
import { openStateDirectory } from './state-directory.ts';
import { ROOT, synthesize } from './synthesis.ts';

export interface RuntimeOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  /** Null keeps nothing. */
  stateDir: string | null;
  /** A synthesized assembly; without it the platform is synthesized. */
  assemblyDir?: string;
  privateTargets?: 'loopback' | 'private';
  /** What callback addresses begin with, where callers do not come by a name of this machine. */
  publicOrigin?: string | undefined;
  /** `OPENAI_BASE_URL` and `OPENAI_API_KEY`, where an endpoint is configured. */
  models?: Record<string, string>;
  /** Execution environments of one function. */
  concurrency?: number;
  chaos?: Chaos;
  /** How long a stream may be without a byte. */
  idleMs?: number;
  /** Called after every invocation that has ended: benchmarks count them. */
  onInvocation?(invocation: Invocation): void;
}

export interface Runtime {
  baseUrl: string;
  endpoints: Endpoints;
  blueprint: Blueprint;
  logFile: string | null;
  /** What the function answers; fails with what it fails with. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /** Waits a moment for the invocations that run. */
  stop(): Promise<void>;
  /** Stops at once, as a killed process would. */
  kill(): Promise<void>;
}

const DEFAULT_CONCURRENCY = 64;
const STOP_GRACE_MS = 3_000;

export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const grace = { ms: STOP_GRACE_MS };
  await using starting = new AsyncDisposableStack();
  const foundation = await layFoundation(options, starting);
  const { functions, endpoints } = await startFunctions(options, { foundation, starting });
  const gateway = await connect(options, { foundation, functions, starting, grace });
  const running = starting.move();
  return {
    baseUrl: gateway.baseUrl,
    endpoints,
    blueprint: foundation.blueprint,
    logFile: foundation.log.file,
    async invoke(functionName, event) {
      const { payload, functionError } = await invokeParsed(functions, functionName, event);
      if (functionError) throw new Error(`${functionName} failed: ${JSON.stringify(payload)}`);
      return payload;
    },
    stop: () => running.disposeAsync(),
    async kill() {
      grace.ms = 0;
      await running.disposeAsync();
    },
  };
}

interface Foundation {
  log: Log;
  dynamodb: DynamoDb;
  queues: QueuesAndBuckets;
  secrets: Secret[];
  machinesFile: string | null;
  blueprint: Blueprint;
}

/** The emulators start while the platform is synthesized; each is ended even if another fails. */
async function layFoundation(options: RuntimeOptions, starting: AsyncDisposableStack): Promise<Foundation> {
  const state = openStateDirectory(options.stateDir);
  starting.defer(() => state.release());
  const log = openLog(state.path);
  starting.defer(() => log.close());
  const context = {
    stage: 'local',
    privateTargets: options.privateTargets ?? 'loopback',
    ...(options.publicOrigin && { publicOrigin: options.publicOrigin }),
  };
  const [dynamodbStarted, queuesStarted, synthesized] = await Promise.allSettled([
    startDynamoDb(state.kept('dynamodb.sqlite')),
    startQueuesAndBuckets(state.kept('.')),
    options.assemblyDir ?? synthesize({ context }),
  ]);
  if (dynamodbStarted.status === 'fulfilled') starting.defer(() => dynamodbStarted.value.stop());
  if (queuesStarted.status === 'fulfilled') starting.defer(() => queuesStarted.value.stop());
  const dynamodb = requireValue(dynamodbStarted);
  const queues = requireValue(queuesStarted);

  const place = { queuesEndpoint: queues.endpoint };
  const blueprint = readBlueprint(await readAssembly(requireValue(synthesized), place), place);
  const [secrets] = await Promise.all([
    openSecrets(blueprint.secrets, state.kept('secrets.json')),
    createTables(dynamodb.endpoint, blueprint.tables),
    queues.create(blueprint.queues, blueprint.buckets),
  ]);
  return { log, dynamodb, queues, secrets, machinesFile: state.kept('executions.jsonl'), blueprint };
}

/** Functions call endpoints and endpoints call functions: whoever calls first waits until both are there. */
async function startFunctions(
  options: RuntimeOptions,
  { foundation, starting }: { foundation: Foundation; starting: AsyncDisposableStack },
): Promise<{ functions: Functions; endpoints: Endpoints }> {
  const { log, dynamodb, queues, secrets, machinesFile, blueprint } = foundation;
  const ready = Promise.withResolvers<Functions>();
  const aws = await startAwsServer({
    secrets,
    has: async (name) => (await ready.promise).hasOwn(name),
    // As the roles of the template allow it: flows invoke the user's functions, and code runs for its tenant.
    async invoke(name, payload, tenant) {
      const functions = await ready.promise;
      return tenant === undefined ? functions.invokeOwn(name, payload) : functions.invokeFor(tenant, name, payload);
    },
  });
  starting.defer(() => aws.stop());
  const machines = await startMachineServer({
    machines: blueprint.machines,
    stateFile: machinesFile,
    invoke: async (name, event) => invokeParsed(await ready.promise, name, event),
  });
  starting.defer(() => machines.close());

  const endpoints = {
    dynamodb: dynamodb.endpoint,
    queues: queues.endpoint,
    machines: machines.endpoint,
    aws: aws.endpoint,
  };
  const functions = createFunctions({
    specs: blueprint.functions,
    ownFolder: join(ROOT, 'flows', 'functions'),
    endpoints: { ...endpointVariables(endpoints), ...ownPortsVariable(endpoints, [dynamodb.hiddenPort]) },
    models: options.models,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    logFd: log.fd,
    onInvocation(invocation) {
      logFailure(log, invocation);
      options.onInvocation?.(invocation);
    },
  });
  starting.defer(() => functions.close());
  ready.resolve(functions);
  return { functions, endpoints };
}

function logFailure(log: Log, { functionName, requestId, outcome }: Invocation): void {
  if (outcome.status === 'succeeded') return;
  const error = String(outcome.payload);
  log.write({ level: 'ERROR', message: 'The function failed', functionName, requestId, error });
}

/** What invokes functions from outside: callers, queues and schedules. */
async function connect(
  options: RuntimeOptions,
  parts: { foundation: Foundation; functions: Functions; starting: AsyncDisposableStack; grace: { ms: number } },
): Promise<Gateway> {
  const { foundation, functions, starting, grace } = parts;
  const { blueprint, dynamodb, queues } = foundation;
  const gateway = await startGateway({
    api: blueprint.api,
    host: options.host ?? '127.0.0.1',
    port: options.port,
    invoke: functions.invoke,
    localPage: createLocalPages(join(ROOT, 'flows')),
    ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
  });
  starting.defer(() => gateway.stop(grace.ms));
  const eventSources = startEventSources({
    endpoint: queues.endpoint,
    sources: blueprint.eventSources,
    queues: blueprint.queues,
    invoke: functions.invoke,
    ...(options.chaos ? { chaos: options.chaos } : {}),
  });
  starting.defer(() => eventSources.stop(grace.ms));
  const ending = new AbortController();
  starting.defer(() => ending.abort());
  sweepExpiredItems(dynamodb.endpoint, blueprint.tables, ending.signal);
  startSchedules(blueprint.schedules, functions.invoke, ending.signal);
  return gateway;
}

function requireValue<Value>(settled: PromiseSettledResult<Value>): Value {
  if (settled.status === 'fulfilled') return settled.value;
  throw settled.reason;
}
