// One execution environment of a function in Python: a process of the machine's own python3 that keeps Lambda's contract
// with the handler (worker.py). It starts as Lambda starts it, through the function's wrapper where it has one.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import {
  type Call,
  describeExit,
  describeOverstay,
  type EnvironmentOptions,
  type ExecutionEnvironment,
  INIT_TIMEOUT_MS,
  type Outcome,
  readFailure,
} from './environment.ts';
import type { FromWorker, FunctionError, InvocationMessage } from './protocol.ts';

// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
const WRAPPER = 'AWS_LAMBDA_EXEC_WRAPPER';
const TASK_ROOT = '/var/task/';
const WORKER = join(import.meta.dirname, 'worker.py');
// What a shell, and with it the wrapper, says of a program that does not exist.
const NOT_FOUND = 127;

export class PythonEnvironment implements ExecutionEnvironment {
  readonly #options: EnvironmentOptions;
  readonly #process: ChildProcess;
  readonly #onStarted: () => void;
  #ready = false;
  #started = false;
  #dead = false;
  #running: { call: Call; settle(outcome: Outcome): void } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onStarted` is called once: when the handler is loaded, or when it is clear that it will not be. */
  constructor(options: EnvironmentOptions, onStarted: () => void) {
    this.#options = options;
    this.#onStarted = onStarted;
    this.#process = startPython(options);
    createInterface({ input: this.#process.stdio[4] as Readable }).on('line', (line) =>
      this.#receive(JSON.parse(line)),
    );
    // A process that is gone has said so by its exit.
    this.#invocations.on('error', () => {});
    this.#process.once('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code === 'ENOENT' ? NO_PYTHON : { errorType: error.name, errorMessage: error.message }),
    );
    this.#process.once('exit', (code) => this.#fail(code === NOT_FOUND ? NO_PYTHON : describeExit(code)));
  }

  get isDead(): boolean {
    return this.#dead;
  }

  get #invocations(): Writable {
    return this.#process.stdio[3] as Writable;
  }

  invoke(call: Call): Promise<Outcome> {
    return new Promise((settle) => {
      this.#running = { call, settle };
      if (this.#dead) this.#fail(describeExit(null));
      else if (this.#ready) this.#begin();
      else this.#timer = setTimeout(() => this.#fail(describeOverstay(INIT_TIMEOUT_MS)), INIT_TIMEOUT_MS);
    });
  }

  async end(): Promise<void> {
    this.#dead = true;
    this.#confirmStart();
    this.#process.kill('SIGKILL');
  }

  #confirmStart(): void {
    if (this.#started) return;
    this.#started = true;
    this.#onStarted();
  }

  #begin(): void {
    if (!this.#running) return;
    const { requestId, payload } = this.#running.call;
    const { timeoutMs } = this.#options;
    const invocation: InvocationMessage = { requestId, payload, deadlineMs: Date.now() + timeoutMs };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(describeOverstay(timeoutMs)), timeoutMs);
    this.#invocations.write(`${JSON.stringify(invocation)}\n`);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') {
      this.#ready = true;
      this.#confirmStart();
      this.#begin();
    } else if (message.type === 'initFailed') this.#fail(message.error);
    else if (message.type === 'answer') this.#settle({ status: 'succeeded', payload: message.payload });
    else if (message.type === 'failure') this.#settle(readFailure(message.error));
  }

  #fail(error: FunctionError): void {
    if (!this.#dead) void this.end();
    this.#settle(readFailure(error));
  }

  #settle(outcome: Outcome): void {
    clearTimeout(this.#timer);
    const running = this.#running;
    this.#running = undefined;
    running?.settle(outcome);
  }
}

const NO_PYTHON: FunctionError = {
  errorType: 'Runtime.InvalidEntrypoint',
  errorMessage: 'Python needs python3 on the PATH of this machine',
};

function startPython({ file, exportName, variables, logFd }: EnvironmentOptions): ChildProcess {
  const python = ['python3', '-B', WORKER, file, exportName];
  const wrapper = variables[WRAPPER]?.replace(TASK_ROOT, `${variables['LAMBDA_TASK_ROOT']}/`);
  const [command = '', ...rest] = wrapper === undefined ? python : [wrapper, ...python];
  return spawn(command, rest, { env: variables, stdio: ['ignore', logFd, logFd, 'pipe', 'pipe'] });
}
