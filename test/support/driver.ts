// Moves a platform in memory until a run has ended: answers its doorbells, carries it through the machine, lets time
// pass, sweeps; and kills the process that works on it wherever a test says.

import { setImmediate as turn } from 'node:timers/promises';
import { advanceRun, parkRun } from '../../lambdas/core/advance.ts';
import type { Ports } from '../../lambdas/core/ports.ts';
import { isSettled, type Run } from '../../lambdas/core/run.ts';
import { signalRun } from '../../lambdas/core/signal.ts';
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

/** Kills a process at its nth call of the outside world, before the call or after it has taken effect. */
export interface Crash {
  atCall: number;
  when: 'before' | 'after';
}

interface Process {
  ports: Ports;
  /** Resolves when the process has been killed. */
  killed: Promise<'killed'>;
}

/** A process with its own view of the world: once killed, nothing that it asks is ever answered. */
function spawn(ports: Ports, crash: Crash | undefined): Process {
  const { promise: killed, resolve } = Promise.withResolvers<'killed'>();
  const silence = new Promise<never>(() => {});
  let calls = 0;
  let isDead = false;
  async function answered(call: () => unknown): Promise<unknown> {
    if (isDead) return silence;
    calls += 1;
    const isHere = crash?.atCall === calls;
    if (isHere && crash.when === 'before') return die();
    const answer = await call();
    return isHere ? die() : isDead ? silence : answer;
  }
  const guarded = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name, receiver) {
        const method = Reflect.get(target, name, receiver);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => answered(() => method.apply(target, args));
      },
    });
  function die(): Promise<never> {
    isDead = true;
    resolve('killed');
    return silence;
  }
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
    killed,
  };
}

/** Lets time pass until the work is done. */
export async function throughTime<Done>(clock: FakeClock, work: Promise<Done>): Promise<Done> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  // Whoever awaits it below hears of a failure.
  over.catch(() => undefined);
  for (let step = 0; !isOver; step += 1) {
    if (step > MAX_STEPS) throw new Error('What was begun does not come to its end');
    for (let turns = 0; turns < TURNS && !isOver; turns += 1) await turn();
    if (!isOver) clock.advance(STEP_MS);
  }
  return over;
}

/** Lets this much time pass. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  const until = clock.now() + ms;
  while (clock.now() < until) await throughTime(clock, clock.sleep(Math.min(STEP_MS, until - clock.now())));
  for (let turns = 0; turns < TURNS; turns += 1) await turn();
}

export interface Driven {
  run: Run;
  crashes: number;
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
  let killed = 0;
  let tokens = 0;

  /** Lets time pass until the work is done or its process is dead. */
  async function inProcess(work: (ports: Ports) => Promise<unknown>): Promise<void> {
    const process = spawn(ports, left.shift());
    // A fault is left to the queue and the sweeper, as on AWS.
    const worked = work(process.ports).catch(() => undefined);
    const end = await throughTime(clock, Promise.race([worked, process.killed]));
    if (end === 'killed') killed += 1;
  }

  /** An execution: slices and parks in turn, until the run has ended or the function died. */
  async function machine({ runId: id, handover, parkSeconds }: (typeof started)[number]): Promise<void> {
    let seconds = parkSeconds;
    for (let states = 0; states < MAX_STATES; states += 1) {
      if (seconds !== undefined) await parked(id, { handover, seconds });
      let said: Awaited<ReturnType<typeof advanceRun>> | undefined;
      await inProcess(async (its) => {
        said = await advanceRun(its, { runId: id, handover, budgetUntil: clock.now() + SLICE_MS });
      });
      // On AWS its retries and the sweeper would go on.
      if (said === undefined || said.next === 'done') return;
      seconds = said.next === 'park' ? said.parkSeconds : undefined;
    }
    throw new Error(`The machine goes round in circles: ${JSON.stringify(await runs.get(id))}`);
  }

  async function parked(id: string, { handover, seconds }: { handover: number; seconds: number }): Promise<void> {
    tokens += 1;
    const token = `token-${tokens}`;
    await inProcess((its) => parkRun(its, { runId: id, handover, token }));
    await answerWhoeverIsAsked();
    const until = clock.now() + seconds * 1_000;
    while (clock.now() < until && !woken.includes(token)) clock.advance(Math.min(5_000, until - clock.now()));
  }

  async function answerWhoeverIsAsked(): Promise<void> {
    const { run, records = new Map() } = runs.runs.get(runId) ?? {};
    if (run?.status !== 'waiting' || !answers) return;
    for (const { path, status, wait } of records.values()) {
      if (status !== 'waiting' || wait?.kind !== 'callback') continue;
      await signalRun(ports, { runId, path, payload: { v: path } }).catch(() => undefined);
    }
  }

  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const run = await runs.get(runId);
    if (!run) throw new Error(`There is no run ${runId}`);
    if (isSettled(run.status)) return { run, crashes: killed };
    const ring = queues.runs.shift();
    const execution = ring ? undefined : started.shift();
    if (ring) await inProcess((its) => workRun(its, { runId: ring.runId, budgetUntil: clock.now() + SLICE_MS }));
    else if (execution) await machine(execution);
    else {
      await answerWhoeverIsAsked();
      clock.advance(31_000);
      const until = clock.now() + 40_000;
      await sweep(ports, { untilMs: until });
    }
  }
  throw new Error(`The run does not end: ${JSON.stringify(await runs.get(runId))}`);
}
