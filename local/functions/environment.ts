// One execution environment of a function: starts its thread, hands it invocations, and ends it when it overstays.
// How many there are of a function, and who waits for one, is decided by pool.ts.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { FromWorker, FunctionError, InvocationMessage, WorkerSetup } from './protocol.ts';

export interface Call {
  requestId: string;
  payload: string;
  /** Takes the bytes of a streaming handler as they are written; without it they are the answer. */
  sink?: Sink;
}

export interface Sink {
  /** Settles when the caller has taken the bytes or has gone; never rejects. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  /** Aborted when nobody listens any more: the handler's stream fails, the invocation goes on. */
  gone: AbortSignal;
}

export interface Outcome {
  status: 'succeeded' | 'failed' | 'throttled';
  payload: string | Uint8Array;
  errorType?: string;
}

export interface EnvironmentOptions {
  name: string;
  arn: string;
  runtime: 'nodejs' | 'python';
  /** The module, and its export, that handle events. */
  file: string;
  exportName: string;
  timeoutMs: number;
  memoryMb: number;
  variables: Record<string, string>;
  logFd: number;
}

/** What a pool keeps warm: one invocation at a time. */
export interface ExecutionEnvironment {
  readonly isDead: boolean;
  invoke(call: Call): Promise<Outcome>;
  end(): Promise<void>;
}

interface Running {
  call: Call;
  chunks: Uint8Array[];
  settle(outcome: Outcome): void;
}

// Lambda allows ten seconds; a loaded laptop is slower than Lambda.
export const INIT_TIMEOUT_MS = 30_000;

export class Environment implements ExecutionEnvironment {
  readonly #options: EnvironmentOptions;
  readonly #worker: Worker;
  readonly #invocations: MessagePort;
  readonly #wake = new Int32Array(new SharedArrayBuffer(4));
  readonly #onStarted: () => void;
  #ready = false;
  #started = false;
  #dead = false;
  #running: Running | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onStarted` is called once: when the handler is loaded, or when it is clear that it will not be. */
  constructor(options: EnvironmentOptions, onStarted: () => void) {
    this.#options = options;
    this.#onStarted = onStarted;
    const { port1, port2 } = new MessageChannel();
    this.#invocations = port1;
    const setup: WorkerSetup = {
      file: options.file,
      exportName: options.exportName,
      functionName: options.name,
      functionArn: options.arn,
      memoryMb: options.memoryMb,
      logFd: options.logFd,
      invocations: port2,
      wake: this.#wake.buffer as SharedArrayBuffer,
    };
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: options.name,
      workerData: setup,
      transferList: [port2],
      env: options.variables,
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
    });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error: Error & { code?: string }) => this.#fail(describeCrash(error)));
    this.#worker.on('exit', (code) => this.#fail(describeExit(code)));
  }

  get isDead(): boolean {
    return this.#dead;
  }

  invoke(call: Call): Promise<Outcome> {
    return new Promise((settle) => {
      this.#running = { call, chunks: [], settle };
      call.sink?.gone.addEventListener('abort', this.#sendGone, { once: true });
      if (this.#ready) this.#begin();
      else this.#timer = setTimeout(() => this.#overstay(INIT_TIMEOUT_MS), INIT_TIMEOUT_MS);
    });
  }

  async end(): Promise<void> {
    this.#dead = true;
    this.#confirmStart();
    this.#invocations.close();
    await this.#worker.terminate();
  }

  #confirmStart(): void {
    if (this.#started) return;
    this.#started = true;
    this.#onStarted();
  }

  #sendGone = () => {
    const requestId = this.#running?.call.requestId;
    if (requestId && !this.#dead) this.#worker.postMessage({ type: 'gone', requestId });
  };

  #begin(): void {
    if (!this.#running) return;
    const { requestId, payload } = this.#running.call;
    const { timeoutMs } = this.#options;
    const invocation: InvocationMessage = { requestId, payload, deadlineMs: Date.now() + timeoutMs };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#overstay(timeoutMs), timeoutMs);
    this.#invocations.postMessage(invocation);
    Atomics.add(this.#wake, 0, 1);
    Atomics.notify(this.#wake, 0);
    if (this.#running.call.sink?.gone.aborted) this.#sendGone();
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') {
      this.#ready = true;
      this.#confirmStart();
      this.#begin();
    } else if (message.type === 'initFailed') {
      this.#fail(message.error);
    } else if (this.#running?.call.requestId === message.requestId) {
      this.#receiveRunning(message, this.#running);
    }
  }

  #receiveRunning(message: Exclude<FromWorker, { type: 'ready' | 'initFailed' }>, running: Running): void {
    switch (message.type) {
      case 'chunk':
        void this.#pass(message.bytes, running);
        break;
      case 'end':
        running.call.sink?.end();
        break;
      case 'answer':
        this.#settle({ status: 'succeeded', payload: message.payload || Buffer.concat(running.chunks) });
        break;
      case 'failure':
        this.#settle(readFailure(message.error));
        break;
    }
  }

  /** The handler's stream takes its next chunk when this one has been taken. */
  async #pass(bytes: Uint8Array, { call, chunks }: Running): Promise<void> {
    if (call.sink) await call.sink.write(bytes);
    else chunks.push(bytes);
    if (!this.#dead) this.#worker.postMessage({ type: 'written', requestId: call.requestId });
  }

  #overstay(limitMs: number): void {
    this.#fail(describeOverstay(limitMs));
  }

  /** Whatever the thread was doing is over: it is ended, and the invocation fails. */
  #fail(error: FunctionError): void {
    if (!this.#dead) void this.end();
    const requestId = this.#running?.call.requestId;
    const named = requestId ? { ...error, errorMessage: prefixed(error, requestId) } : error;
    this.#settle(readFailure(named));
  }

  #settle(outcome: Outcome): void {
    clearTimeout(this.#timer);
    const running = this.#running;
    this.#running = undefined;
    running?.call.sink?.gone.removeEventListener('abort', this.#sendGone);
    running?.settle(outcome);
  }
}

export function readFailure(error: FunctionError): Outcome {
  return { status: 'failed', payload: JSON.stringify(error), errorType: error.errorType };
}

// Lambda names the request where the sandbox, not the handler, words the error.
function prefixed({ errorType, errorMessage }: FunctionError, requestId: string): string {
  return /^(Sandbox|Runtime)\./.test(errorType) ? `RequestId: ${requestId} Error: ${errorMessage}` : errorMessage;
}

function describeCrash(error: Error & { code?: string }): FunctionError {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return { errorType: 'Runtime.OutOfMemory', errorMessage: 'Runtime exited with error: signal: killed' };
  }
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

export function describeOverstay(limitMs: number): FunctionError {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `Task timed out after ${(limitMs / 1_000).toFixed(2)} seconds`,
  };
}

export function describeExit(code: number | null): FunctionError {
  if (code === null) {
    return { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: signal: killed' };
  }
  const reason =
    code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
  return { errorType: 'Runtime.ExitError', errorMessage: reason };
}
