// A process of the platform: the real core, in which every call of the outside world takes time and may have a
// fault. A dead process never receives another answer; a frozen one goes on later as if nothing had happened.

import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import type { Clock, Ports } from '../../lambdas/core/ports/ports.ts';
import type { Machine, Queues, RunStore, Slots } from '../../lambdas/core/ports/runs.ts';
import { makeRunId } from '../../lambdas/core/run-id.ts';
import type { CallFault } from './faults.ts';
import type { World } from './world.ts';

export type ProcessEnd = 'done' | 'failed' | 'died';

export interface Process {
  name: string;
  role: string;
  faults: (CallFault | 'poison')[];
  /** Nothing that it asked for is answered any more. */
  isOver(): boolean;
  end(how: ProcessEnd): void;
  freeze(ms: number): void;
  /** Does it as soon as the process can; never, once it is dead. */
  resume(act: () => void): void;
}

export interface Call {
  process: Process;
  port: string;
  method: string;
  args: unknown[];
}

const REMOTE = ['runs', 'slots', 'queues', 'machine', 'functions', 'http', 'flows', 'tenants'] as const;
type Remote = (typeof REMOTE)[number];

const ANYWHERE = ['dies before', 'dies after', 'freezes before', 'freezes after'] as const;
const SERVICE = [...ANYWHERE, 'throttled', 'lost', 'slow'] as const;
// A transaction carries a token, and reads may be repeated: only these show that the SDK has sent them twice.
const REPEATABLE = new Set<string>([
  ...(['claim', 'renew', 'suspend', 'park', 'requestCancel', 'postpone', 'recordNode', 'recordAttempt'] as const),
  ...(['postponeDelivery', 'reopenDelivery', 'acquire', 'enterSync', 'release', 'leaveSync'] as const),
  ...(['enqueueRuns', 'enqueueDeliveries', 'start', 'wake'] as const),
] satisfies (keyof RunStore | keyof Slots | keyof Queues | keyof Machine)[]);
const EVENTUAL = new Set<string>(['glance', 'occupancy', 'due'] satisfies (keyof RunStore | keyof Slots)[]);

function listPossibleFaults({ port, method }: Call): readonly CallFault[] {
  if (port === 'functions' || port === 'http') return ANYWHERE;
  const also: CallFault[] = [];
  if (REPEATABLE.has(method)) also.push('repeated');
  if (EVENTUAL.has(method)) also.push('stale');
  return [...SERVICE, ...also];
}

// A frozen process may have lost its lease, or nearly.
const FREEZE_MS = [5_000, 60_000, 150_000];
// The SDK gives up after three attempts of three seconds.
const SLOW_MS = 9_000;
const NETWORK_MS = 8;

function makeProcess(world: World, role: string, onEnd: (how: ProcessEnd) => void): Process {
  const { timeline, history } = world;
  let isOver = false;
  let thawsAt = 0;
  world.busy += 1;
  world.spawned += 1;
  const process: Process = {
    name: `${role}-${world.spawned}`,
    role,
    faults: [],
    isOver: () => isOver,
    end(how) {
      if (isOver) return;
      isOver = true;
      world.busy -= 1;
      history.note(timeline.now(), `${process.name} ${how === 'died' ? 'DIES' : how}`);
      onEnd(how);
    },
    freeze(ms) {
      thawsAt = Math.max(thawsAt, timeline.now() + ms);
      history.note(timeline.now(), `${process.name} FREEZES for ${ms} ms`);
    },
    resume(act) {
      if (isOver) return;
      const frozenMs = thawsAt - timeline.now();
      if (frozenMs <= 0) act();
      else timeline.after(frozenMs, () => process.resume(act));
    },
  };
  return process;
}

/** Sends the call and hands back its answer, with the fault that was drawn for it. */
function perform(world: World, call: Call, effect: () => unknown): Promise<unknown> {
  const { process, method } = call;
  const { timeline, chance, faults } = world;
  const fault = faults.drawCallFault(listPossibleFaults(call));
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  if (fault) {
    process.faults.push(fault);
    world.history.note(timeline.now(), `${process.name} has a fault: ${fault} ${method}`);
  }
  const fail = () => reject(new Error(`${method} failed (${fault})`));
  const answer = (act: () => void) => timeline.after(chance.int(1, NETWORK_MS), () => process.resume(act));

  async function arrive(): Promise<void> {
    if (fault === 'throttled') return answer(fail);
    if (isPoison(call)) {
      faults.count('poison');
      world.recorder.recordPoisoning(call);
      process.faults.push('poison');
      return process.end('died');
    }
    try {
      const first = await world.apply(call, effect, fault);
      const last = fault === 'repeated' ? await world.apply(call, effect, fault) : first;
      if (fault === 'dies after') process.end('died');
      if (fault === 'freezes after') process.freeze(chance.pick(FREEZE_MS));
      answer(fault === 'lost' ? fail : () => resolve(last));
    } catch (error) {
      answer(() => reject(error));
    }
  }

  if (fault === 'dies before') process.end('died');
  if (fault === 'freezes before') process.freeze(chance.pick(FREEZE_MS));
  const delayMs = fault === 'slow' ? chance.int(500, SLOW_MS) : chance.int(1, NETWORK_MS);
  process.resume(() => timeline.after(delayMs, () => void arrive()));
  return promise;
}

/** A function whose answer crashes the worker that asks for it, as one does that is too large for its memory. */
function isPoison({ port, args }: Call): boolean {
  const [asked] = args as [{ payload?: { poison?: boolean } }?];
  return port === 'functions' && asked?.payload?.poison === true;
}

function makeClock({ timeline }: World, process: Process): Clock {
  return {
    now: timeline.now,
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        let isAwake = false;
        const wake = (): void => {
          isAwake = true;
          resolve();
        };
        timeline.after(ms, () => {
          if (isAwake || process.isOver()) return false;
          process.resume(wake);
          return true;
        });
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
  };
}

function wrapPorts(world: World, process: Process): Ports {
  const { chance, bare } = world;
  const remote = (name: Remote): object =>
    new Proxy(bare[name] as object, {
      get(target, method, receiver) {
        const value = Reflect.get(target, method, receiver);
        if (typeof value !== 'function' || method === 'check') return value;
        return (...args: unknown[]) =>
          perform(world, { process, port: name, method: String(method), args }, () => value.apply(target, args));
      },
    });
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  return {
    ...bare,
    caches: makeCaches(),
    ...(Object.fromEntries(REMOTE.map((name) => [name, remote(name)])) as Pick<Ports, Remote>),
    clock: makeClock(world, process),
    ids: {
      run: (now) =>
        makeRunId(
          now,
          Uint8Array.from({ length: 10 }, () => chance.int(0, 255)),
        ),
      token: (chars) => Array.from({ length: chars }, () => chance.pick([...alphabet])).join(''),
      random: chance.random,
    },
  };
}

/** Starts one, and resolves with how it ended. None outlives its timeout. */
export function spawn(
  world: World,
  { role, timeoutMs }: { role: string; timeoutMs: number },
  work: (ports: Ports, process: Process) => Promise<unknown>,
): Promise<ProcessEnd> {
  const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
  const process = makeProcess(world, role, resolve);
  world.timeline.after(timeoutMs, () => {
    if (process.isOver()) return false;
    process.end('died');
    return true;
  });
  work(wrapPorts(world, process), process).then(
    () => process.resume(() => process.end('done')),
    (error: unknown) => {
      world.history.note(world.timeline.now(), `${process.name}: ${String(error)}`);
      process.resume(() => process.end('failed'));
    },
  );
  return promise;
}
