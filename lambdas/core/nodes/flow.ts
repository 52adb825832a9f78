// The flow node: runs another flow as a step of this one. That is a separate run; this one waits for it, or detaches.

import * as z from 'zod';
import { anyValue, FLOW_NAME } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { LEASE_SECONDS } from '../limits.ts';
import { asWritten, readInput } from './node-input.ts';
import { type ChildRun, done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

// Starting only writes to our own stores. A process that takes longer has lost the lease, and another starts the run.
const START_MS = LEASE_SECONDS * 1_000;
// The child signals its end; these polls are the guarantee if the signal is lost.
const FIRST_POLL_MS = 1_000;
const MAX_POLL_MS = 10 * 60_000;

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

const stateSchema = z.object({ child: z.string(), until: z.number(), lookMs: z.number() });

function waitForChild(context: NodeContext, state: z.infer<typeof stateSchema>): Outcome {
  const next = { ...state, lookMs: Math.min(state.lookMs * 2, MAX_POLL_MS) };
  const until = Math.min(context.now() + state.lookMs, state.until);
  return { kind: 'wait', wait: { kind: 'timer', until, state: next, child: state.child } };
}

function toOutcome({ id, status, outputs, error, usage }: ChildRun): Outcome {
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

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { name, version, inputs = {}, mode = 'wait' } = read.input;
    const asked = { flow: name, inputs: inputs as JsonObject, version };
    const child = await context.children.start(asked);
    if (mode === 'detach') return done({ run: child });
    return waitForChild(context, { child, until: context.now() + context.timeoutMs, lookMs: FIRST_POLL_MS });
  },

  async resume(context, _, resumption) {
    const state = stateSchema.parse(resumption.state);
    const child = await context.children.read(state.child);
    if (child === undefined) return failed('node-failed', `Run ${state.child} no longer exists`);
    if (child.isSettled) return toOutcome(child);
    if (context.now() >= state.until) return failed('node-timed-out', `Run ${state.child} did not end in time`);
    return waitForChild(context, state);
  },
};
