// Moves a platform in memory until a run has ended: answers its queue messages, carries it through the machine, lets time
// pass, sweeps; and kills the process that works on it wherever a test says.

import { setImmediate as turn } from 'node:timers/promises';
import { TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { advanceRun, parkRun } from '../../lambdas/core/advance.ts';
import { runInline } from '../../lambdas/core/api/run-inline.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { isSettled, type Run } from '../../lambdas/core/run.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import type { FakeClock } from './fake-clock.ts';
import type { MemoryPlatform } from './platform.ts';

const SLICE_MS = 90_000;
const STEP_MS = 250;
const MAX_STEPS = 2_000;
// Rounds of the event loop in which everything that needs no time has happened.
const TURNS = 3;
const MAX_STATES = 200;
const MAX_ROUNDS = 500;
// The sweeper looks at slots within ten minutes.
const QUIET_LOOKS = 2;
const QUIET_LOOK_MS = 11 * 60_000;

/** What befalls a process at its nth call of the outside world. */
export interface Crash {
  atCall: number;
  /**
   * It dies before the call or after it has taken effect; it freezes for longer than its lease and goes on as if nothing
   * had happened; or the call fails.
   */
  how: 'dies before' | 'dies after' | 'freezes' | 'fails';
}

// Long enough for the sweeper to have found the run and somebody else to have ended it.
const FROZEN_MS = 150_000;

interface Process {
  ports: Ports;
  /** Resolves with the call at which the process was lost to the outside. */
  lost: Promise<string>;
  /** Calls that failed. */
  failed: string[];
}

/** A process with its own view of the world: once dead, nothing that it asks is ever answered. */
function spawn(ports: Ports, crash: Crash | undefined): Process {
  const { promise: lost, resolve } = Promise.withResolvers<string>();
  const silence = new Promise<never>(() => {});
  const failed: string[] = [];
  let calls = 0;
  let isDead = false;
  let thawsAt = 0;

  function die(name: string): void {
    isDead = true;
    resolve(name);
  }
  function freeze(name: string): void {
    thawsAt = ports.clock.now() + FROZEN_MS;
    resolve(name);
  }
  function fail(name: string): void {
    // What a function answers is the node's own business.
    if (name === 'invoke') return;
    failed.push(name);
    throw new Error(`${name} failed`);
  }
  function next(): Crash['how'] | undefined {
    calls += 1;
    return calls === crash?.atCall ? crash.how : undefined;
  }
  async function answered(name: string, call: () => unknown): Promise<unknown> {
    const how = next();
    if (how === 'dies before') die(name);
    if (how === 'fails') fail(name);
    if (how === 'freezes') freeze(name);
    if (isDead) return silence;
    // A function takes its own time, and a frozen caller gets the answer late enough.
    if (name !== 'invoke') await ports.clock.sleep(thawsAt - ports.clock.now());
    const answer = await call();
    if (how === 'dies after') die(name);
    return isDead ? silence : answer;
  }
  const guarded = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name, receiver) {
        const method = Reflect.get(target, name, receiver);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => answered(String(name), () => method.apply(target, args));
      },
    });
  const { runs, slots, queues, machine, functions } = ports;
  return {
    ports: {
      ...ports,
      runs: guarded(runs),
      slots: guarded(slots),
      queues: guarded(queues),
      machine: guarded(machine),
      functions: guarded(functions),
    },
    lost,
    failed,
  };
}

/** Lets time pass until the work is done. */
export async function throughTime<Done>(clock: FakeClock, work: Promise<Done>): Promise<Done> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  // Whoever awaits it below gets the failure.
  over.catch(() => undefined);
  for (let step = 0; !isOver; step += 1) {
    if (step > MAX_STEPS) throw new Error('What was begun does not come to its end');
    for (let turns = 0; turns < TURNS && !isOver; turns += 1) await turn();
    if (!isOver) clock.advance(STEP_MS);
  }
  return over;
}

/** Lets this much time pass, in steps so small that nobody's time is up while another is to act. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  const until = clock.now() + ms;
  while (clock.now() < until) {
    clock.advance(Math.min(STEP_MS, until - clock.now()));
    for (let turns = 0; turns < TURNS; turns += 1) await turn();
  }
}

/** Sweeps until everything that a run has left behind is cleared away. */
export async function quiet({ ports, clock }: MemoryPlatform): Promise<void> {
  for (let looks = 0; looks < QUIET_LOOKS; looks += 1) {
    await pass(clock, FROZEN_MS);
    clock.advance(QUIET_LOOK_MS);
    await sweep(ports, { untilMs: clock.now() + 1_000 });
  }
}

export interface Driven {
  run: Run;
  /** The calls at which a process was struck. */
  crashes: string[];
}

interface Circumstances {
  /** They kill the processes that work on the run, one after another. */
  crashes?: readonly Crash[];
  /** Whether somebody answers whoever asks. */
  answers?: boolean;
}

/** Until the run has ended. */
export async function drive(
  platform: MemoryPlatform,
  runId: string,
  { crashes = [], answers = true }: Circumstances = {},
): Promise<Driven> {
  const { ports, clock, runs, queues, started, woken } = platform;
  const left = [...crashes];
  const struck: string[] = [];
  let tokens = 0;

  /** Lets time pass until the work is done or its process is dead. */
  async function inProcess(work: (ports: Ports) => Promise<unknown>): Promise<void> {
    const process = spawn(ports, left.shift());
    // A fault is left to the queue and the sweeper, as on AWS.
    const worked = work(process.ports).then(
      () => undefined,
      () => undefined,
    );
    const lost = await throughTime(clock, Promise.race([worked, process.lost]));
    struck.push(...(lost === undefined ? process.failed : [lost]));
  }

  /** An execution: slices and parks in turn, until the run has ended or the function died. */
  async function machine({ runId: id, handoff, parkSeconds }: (typeof started)[number]): Promise<void> {
    let seconds = parkSeconds;
    for (let states = 0; states < MAX_STATES; states += 1) {
      if (seconds !== undefined) await parked(id, { handoff, seconds });
      let said: Awaited<ReturnType<typeof advanceRun>> | undefined;
      await inProcess(async (its) => {
        said = await advanceRun(its, { runId: id, handoff, budgetUntil: clock.now() + SLICE_MS });
      });
      // On AWS its retries and the sweeper would go on.
      if (said === undefined || said.next === 'done') return;
      seconds = said.next === 'park' ? said.parkSeconds : undefined;
    }
    throw new Error(`The machine goes round in circles: ${JSON.stringify(await runs.get(id))}`);
  }

  async function parked(id: string, { handoff, seconds }: { handoff: number; seconds: number }): Promise<void> {
    tokens += 1;
    const token = `token-${tokens}`;
    await inProcess((its) => parkRun(its, { runId: id, handoff, token }));
    await answerWhoeverIsAsked();
    const until = clock.now() + seconds * 1_000;
    while (clock.now() < until && !woken.includes(token)) {
      const isBusy = await workOnAnother(id);
      if (!isBusy) await pass(clock, Math.min(1_000, until - clock.now()));
    }
  }

  /** A run that is parked may wait for what a worker does meanwhile. */
  async function workOnAnother(parkedId: string): Promise<boolean> {
    const at = queues.runs.findIndex((it) => it.runId !== parkedId);
    const [message] = at < 0 ? [] : queues.runs.splice(at, 1);
    if (message) await inProcess((its) => workRun(its, { runId: message.runId, budgetUntil: clock.now() + SLICE_MS }));
    return message !== undefined;
  }

  async function answerWhoeverIsAsked(): Promise<void> {
    const { run, records = new Map() } = runs.runs.get(runId) ?? {};
    if (run?.status !== 'waiting' || !answers) return;
    for (const { path, status, wait } of records.values()) {
      if (status !== 'waiting' || wait?.kind !== 'callback') continue;
      await signalRun(ports, TOKEN_HOLDER, { runId, path, payload: { v: path } }).catch(() => undefined);
    }
  }

  const { run: first } = runs.runs.get(runId) ?? {};
  if (first && first.mode !== 'async') {
    await inProcess((its) => runInline(its, first, { untilMs: clock.now() + SLICE_MS }));
  }
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const run = await runs.get(runId);
    if (!run) throw new Error(`There is no run ${runId}`);
    if (isSettled(run.status)) return { run, crashes: struck };
    const message = queues.runs.shift();
    const execution = message ? undefined : started.shift();
    if (message) await inProcess((its) => workRun(its, { runId: message.runId, budgetUntil: clock.now() + SLICE_MS }));
    else if (execution) await machine(execution);
    else {
      await answerWhoeverIsAsked();
      await pass(clock, 31_000);
      await sweep(ports, { untilMs: clock.now() + 40_000 });
    }
  }
  throw new Error(`The run does not end: ${JSON.stringify(await runs.get(runId))}`);
}
