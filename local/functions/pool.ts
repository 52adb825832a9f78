// The execution environments of one function: one invocation at a time each, started when needed up to a cap, kept warm
// for a while; whoever finds none waits in line.

import {
  type Call,
  Environment,
  type EnvironmentOptions,
  type ExecutionEnvironment,
  type Outcome,
} from './environment.ts';
import { MAX_PAYLOAD_BYTES } from './protocol.ts';
import { PythonEnvironment } from './python.ts';

export interface PoolLimits {
  environments: number;
  /** Environments that start at the same time: more than there are processors only keep each other from starting. */
  starts: number;
  waiting: number;
  idleMs: number;
}

interface Warm {
  environment: ExecutionEnvironment;
  sinceMs: number;
}

export class Pool {
  readonly #options: EnvironmentOptions;
  readonly #limits: PoolLimits;
  readonly #all = new Set<ExecutionEnvironment>();
  readonly #warm: Warm[] = [];
  readonly #line: ((environment: ExecutionEnvironment | undefined) => void)[] = [];
  readonly #reaper: NodeJS.Timeout;
  #starting = 0;
  #closed = false;

  constructor(options: EnvironmentOptions, limits: PoolLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#reaper = setInterval(() => this.#endIdle(), limits.idleMs / 4).unref();
  }

  get isBusy(): boolean {
    return this.#all.size > this.#warm.length;
  }

  async invoke(call: Call): Promise<Outcome> {
    if (Buffer.byteLength(call.payload) > MAX_PAYLOAD_BYTES) {
      return refuse('RequestTooLargeException', `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes`);
    }
    if (this.#line.length >= this.#limits.waiting) {
      return { ...refuse('TooManyRequestsException', 'Rate Exceeded.'), status: 'throttled' };
    }
    const environment = await this.#acquire();
    if (!environment) return refuse('ServiceException', 'The local runtime is stopping');
    const outcome = await environment.invoke(call);
    this.#release(environment);
    return outcome;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#reaper);
    for (const next of this.#line.splice(0)) next(undefined);
    await Promise.all([...this.#all].map((environment) => environment.end()));
  }

  #acquire(): Promise<ExecutionEnvironment | undefined> | ExecutionEnvironment | undefined {
    if (this.#closed) return undefined;
    // The most recently used one: its connections are still open.
    const warm = this.#warm.pop();
    if (warm) return warm.environment;
    if (this.#mayStart()) return this.#start();
    return new Promise((resolve) => this.#line.push(resolve));
  }

  #mayStart(): boolean {
    return this.#all.size < this.#limits.environments && this.#starting < this.#limits.starts;
  }

  #release(environment: ExecutionEnvironment): void {
    if (environment.isDead) this.#all.delete(environment);
    const next = environment.isDead ? undefined : this.#line.shift();
    if (next) next(environment);
    else if (environment.isDead) this.#serveLine();
    else this.#warm.push({ environment, sinceMs: Date.now() });
  }

  #start(): ExecutionEnvironment {
    this.#starting += 1;
    const start = this.#options.runtime === 'python' ? PythonEnvironment : Environment;
    const environment = new start(this.#options, () => {
      this.#starting -= 1;
      this.#serveLine();
    });
    this.#all.add(environment);
    return environment;
  }

  #serveLine(): void {
    while (this.#line.length > 0 && this.#mayStart() && !this.#closed) this.#line.shift()?.(this.#start());
  }

  #endIdle(): void {
    const before = Date.now() - this.#limits.idleMs;
    while (this.#warm[0] && this.#warm[0].sinceMs < before) {
      const { environment } = this.#warm.shift() as Warm;
      this.#all.delete(environment);
      void environment.end();
    }
  }
}

function refuse(errorType: string, errorMessage: string): Outcome {
  return { status: 'failed', payload: JSON.stringify({ errorType, errorMessage }), errorType };
}
