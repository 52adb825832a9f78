// The executions of all machines: starts, stops and resumes them, and writes how they end. Speaks in rows and refusals;
// the wire is local/machine-server.ts, the states are states.ts.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MAX_DATA_BYTES } from './data-flow.ts';
import { type Definition, readDefinition } from './definition.ts';
import type { Entry, Execution, Ledger, World } from './execution.ts';
import { ServiceRefusal, StateFailure } from './failure.ts';
import { type Ending, type ExecutionRow, Journal } from './journal.ts';
import type { Json } from './path.ts';
import { runStates } from './states.ts';
import { TaskTokens } from './task-tokens.ts';

// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const MAX_EVENTS = 25_000;

const ENDING_EVENTS = {
  SUCCEEDED: ['ExecutionSucceeded', 'executionSucceededEventDetails'],
  FAILED: ['ExecutionFailed', 'executionFailedEventDetails'],
  TIMED_OUT: ['ExecutionTimedOut', 'executionTimedOutEventDetails'],
  ABORTED: ['ExecutionAborted', 'executionAbortedEventDetails'],
} as const;

export interface Machine {
  arn: string;
  definition: Definition;
  /** The definition as it was given. */
  source: object;
  /** Epoch seconds. */
  createdAt: number;
}

export interface ExecutionsOptions {
  machines: { arn: string; definition: object }[];
  /** SQLite file; null keeps nothing beyond the process. */
  stateFile: string | null;
  invoke: World['invoke'];
  /** How long a second is: tests make it short. */
  secondMs?: number;
}

export class Executions {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly journal: Journal;
  readonly tokens: TaskTokens;
  readonly #world: World;
  readonly #running = new Map<string, AbortController>();

  constructor({ machines, stateFile, invoke, secondMs = 1_000 }: ExecutionsOptions) {
    const createdAt = realSeconds();
    this.machines = new Map(
      machines.map(({ arn, definition: source }) => [
        arn,
        { arn, definition: readDefinition(source), source, createdAt },
      ]),
    );
    this.journal = new Journal(stateFile, createdAt);
    this.tokens = new TaskTokens((arn) => this.journal.execution(arn) !== undefined);
    this.#world = {
      invoke,
      sleep: (seconds, signal) => sleep(seconds * secondMs, signal),
      now: () => createdAt + ((realSeconds() - createdAt) * 1_000) / secondMs,
      random: Math.random,
      tokens: this.tokens,
    };
  }

  /** Goes on with what was running when the process ended. */
  resume(): void {
    for (const row of this.journal.running()) this.#run(row);
  }

  /** The same name with the same input, while running, is the same execution. */
  start(machineArn: string, input: string, name: string = randomUUID()): ExecutionRow {
    const machine = this.machine(machineArn);
    refuseInput(input);
    const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    const existing = this.journal.execution(arn);
    if (existing?.status === 'RUNNING' && existing.input === input) return existing;
    if (existing) throw new ServiceRefusal('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    this.journal.start({ arn, machine: machine.arn, name, input, startedAt: this.#world.now() });
    const row = this.execution(arn);
    this.#write(arn, 'ExecutionStarted', { executionStartedEventDetails: { input } });
    this.#run(row);
    return row;
  }

  stop(arn: string, reason: { error?: string | undefined; cause?: string | undefined }): ExecutionRow {
    const controller = this.#running.get(this.execution(arn).arn);
    if (controller) {
      this.#end(arn, {
        status: 'ABORTED',
        error: reason.error,
        cause: reason.cause,
      });
    }
    return this.execution(arn);
  }

  execution(arn: string): ExecutionRow {
    const row = this.journal.execution(arn);
    if (!row) throw new ServiceRefusal('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return row;
  }

  machine(arn: string): Machine {
    const machine = this.machines.get(arn);
    if (!machine) throw new ServiceRefusal('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  close(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
    this.journal.close();
  }

  #run(row: ExecutionRow): void {
    const machine = this.machines.get(row.machine);
    const controller = new AbortController();
    this.#running.set(row.arn, controller);
    // The definition may have changed since the process ended; an execution goes on in the one there is now.
    if (!machine) {
      this.#end(row.arn, { status: 'ABORTED', error: 'States.Runtime', cause: 'The machine is gone' });
      return;
    }
    void this.#runToEnd(row, machine, controller.signal);
  }

  async #runToEnd(row: ExecutionRow, machine: Machine, signal: AbortSignal): Promise<void> {
    const states = runStates(
      this.#executionOf(row, machine, signal),
      makeEntry(row, machine.definition, this.#world.now()),
    );
    const ending = await awaitEnding(Promise.race([states, this.#deadline(row, machine.definition, signal)]));
    // Stopped or closed meanwhile: how it ended is written already, or goes on in another process.
    if (!signal.aborted) this.#end(row.arn, ending);
  }

  async #deadline(row: ExecutionRow, { TimeoutSeconds }: Definition, signal: AbortSignal): Promise<never> {
    if (TimeoutSeconds === undefined) return new Promise<never>(() => {});
    await this.#world.sleep(row.startedAt + TimeoutSeconds - this.#world.now(), signal);
    throw new ExecutionTimeout();
  }

  #executionOf(row: ExecutionRow, machine: Machine, signal: AbortSignal): Execution {
    const ledger: Ledger = {
      enter: (entry) => {
        signal.throwIfAborted();
        this.journal.enter(row.arn, entry);
      },
      record: (type, details) => {
        signal.throwIfAborted();
        // The last event is how the execution ended.
        if (this.#write(row.arn, type, details) < MAX_EVENTS - 1) return;
        throw new StateFailure(
          'States.Runtime',
          `The execution reached ${MAX_EVENTS} events, the most that there may be`,
        );
      },
    };
    const Name = machine.arn.split(':').at(-1) ?? '';
    const StartTime = new Date(row.startedAt * 1_000).toISOString();
    const context = {
      Execution: { Id: row.arn, Name: row.name, Input: JSON.parse(row.input) as Json, StartTime },
      StateMachine: { Id: machine.arn, Name },
    };
    return { definition: machine.definition, context, world: this.#world, ledger, signal };
  }

  #end(arn: string, how: Omit<Ending, 'endedAt'>): void {
    this.#running.get(arn)?.abort();
    this.#running.delete(arn);
    this.journal.end(arn, { ...how, endedAt: this.#world.now() });
    const { status, output, ...failure } = how;
    const [type, field] = ENDING_EVENTS[status];
    this.#write(arn, type, { [field]: output === undefined ? failure : { output: JSON.stringify(output) } });
  }

  #write(arn: string, type: string, details: object = {}): number {
    return this.journal.record(arn, { at: this.#world.now(), type, details: JSON.stringify(details) });
  }
}

class ExecutionTimeout extends Error {}

async function awaitEnding(output: Promise<Json>): Promise<Omit<Ending, 'endedAt'>> {
  try {
    return { status: 'SUCCEEDED', output: await output };
  } catch (error) {
    if (error instanceof ExecutionTimeout) return { status: 'TIMED_OUT' };
    if (error instanceof StateFailure) return { status: 'FAILED', error: error.error, cause: error.message };
    return { status: 'FAILED', error: 'States.Runtime', cause: String(error) };
  }
}

/** The state in which the execution was last, or its first. */
function makeEntry(row: ExecutionRow, { StartAt }: Definition, now: number): Entry {
  const input = JSON.parse(row.stateInput ?? row.input) as Json;
  return { state: row.state ?? StartAt, input, at: row.enteredAt ?? now };
}

function refuseInput(input: string): void {
  if (Buffer.byteLength(input) > MAX_DATA_BYTES) {
    throw new ServiceRefusal('ValidationException', `The input is larger than ${MAX_DATA_BYTES} bytes`);
  }
  try {
    JSON.parse(input);
  } catch {
    throw new ServiceRefusal('InvalidExecutionInput', 'Invalid State Machine Execution Input: the input is not JSON');
  }
}

const realSeconds = (): number => Date.now() / 1_000;

const MAX_TIMER_MS = 2 ** 31 - 1;

// Node's timers hold 24 days at most; Amazon States Language allows for years.
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const until = Date.now() + ms;
  for (let left = ms; left > 0; left = until - Date.now()) {
    await delay(Math.min(left, MAX_TIMER_MS), undefined, { signal });
  }
}
