// The flow node: runs another flow as a step of this one. That is a separate run; this one waits for it, or detaches.

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import { anyValue, FLOW_NAME } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { LEASE_SECONDS } from '../limits.ts';
import { asWritten, readInput } from './node-input.ts';
import { type ChildRun, done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

// Starting only writes to our own stores. A process that takes longer has lost the lease, and another starts the run.
const START_MS = LEASE_SECONDS * 1_000;
// The child signals its end; these polls are the guarantee if the signal is lost.
const FIRST_POLL_MS = 60_000;
const MAX_POLL_MS = 10 * 60_000;
// While the tenant's queue is full.
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 60_000;

const FIELDS = {
  name: z.string().regex(FLOW_NAME, 'is not a valid flow name'),
  version: z.string().max(64).optional(),
  inputs: z.record(z.string(), anyValue).optional(),
  mode: z.enum(['wait', 'detach']).optional(),
};
const evaluated = z.strictObject(FIELDS);

interface FlowWith extends JsonObject {
  name: string;
  mode: 'wait' | 'detach';
}

const stateSchema = z.object({
  child: z.string(),
  until: z.number(),
  lookMs: z.number(),
  /** While the run could not be accepted: the delay before the next try. */
  roomMs: z.number().optional(),
});
type State = z.infer<typeof stateSchema>;

function waitForChild(context: NodeContext, { roomMs: _, ...state }: State): Extract<Outcome, { kind: 'wait' }> {
  const next = { ...state, lookMs: Math.min(state.lookMs * 2, MAX_POLL_MS) };
  const until = Math.min(context.now() + state.lookMs, state.until);
  return { kind: 'wait', wait: { kind: 'timer', until, state: next, child: state.child } };
}

/** It names the child, which may not exist, because that makes the run leave its slot, which makes room. */
function waitForRoom(context: NodeContext, { roomMs = FIRST_RETRY_MS, ...state }: State): Outcome {
  const next = { ...state, roomMs: Math.min(roomMs * 2, MAX_RETRY_MS) };
  const until = Math.min(context.now() + roomMs, state.until);
  return { kind: 'wait', wait: { kind: 'timer', until, state: next, child: state.child } };
}

async function start(context: NodeContext, asked: z.infer<typeof evaluated>, state: State): Promise<Outcome> {
  const { name: flow, version, inputs = {}, mode = 'wait' } = asked;
  const awaited = mode === 'wait';
  try {
    const child = await context.children.start({
      id: state.child,
      awaited,
      flow,
      version,
      inputs: inputs as JsonObject,
    });
    return awaited ? waitForChild(context, { ...state, child }) : done({ run: child });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'tenant-over-limit') throw error;
    if (context.now() < state.until) return waitForRoom(context, state);
    return failed('node-timed-out', `The run could not begin in time: ${error.message}`);
  }
}

function readOutcome({ id, status, outputs, error, usage }: ChildRun): Outcome {
  if (status === 'succeeded') return done(outputs ?? {}, { usage });
  const ending = status === 'canceled' ? 'was canceled' : `failed: ${error?.message ?? ''}`;
  return failed(status === 'canceled' ? 'run-canceled' : (error?.code ?? 'node-failed'), `Run ${id} ${ending}`, {
    usage,
  });
}

export const FLOW: NodeKind<FlowWith> = {
  type: 'flow',
  summary: 'Runs another flow. Gives its outputs, or {run} at once with `mode: detach`.',
  fields: {
    name: 'The flow to run',
    version: '1.0.1, 1.0 or 1; without it the newest',
    inputs: 'Its inputs, by name',
    mode: 'wait for its outputs, or detach and go on',
  },
  with: asWritten(FIELDS),
  defaultTimeoutMs: START_MS,
  flowName: ({ name }) => (name.includes('${{') ? undefined : name),
  waits: ({ mode }) => mode !== 'detach',
  uses: ({ name }) => [{ resource: 'flows', name }],
  endsByItself: true,

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const child = context.children.reserve();
    const state = { child, until: context.now() + context.timeoutMs, lookMs: FIRST_POLL_MS };
    if (read.input.mode === 'detach') return start(context, read.input, state);
    // Recorded before it exists, so that whoever ends this run knows what to end with it.
    return { ...waitForChild(context, state), notify: () => start(context, read.input, state) };
  },

  async resume(context, input, resumption) {
    const state = stateSchema.parse(resumption.state);
    const child = await context.children.read(state.child);
    if (child === undefined) {
      const read = readInput(evaluated, input);
      return 'refused' in read ? read.refused : start(context, read.input, state);
    }
    if (child.isSettled) return readOutcome(child);
    if (context.now() < state.until) return waitForChild(context, state);
    await context.children.cancel(state.child);
    return failed('node-timed-out', `Run ${state.child} did not end in time`);
  },
};
