// The flow node: another flow as a step of this one. Its run is a run of its own; this one waits for it, or does not.

import * as z from 'zod';
import { anyValue, FLOW_NAME } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { LEASE_SECONDS } from '../limits.ts';
import { asWritten, readInput } from './input.ts';
import { type ChildRun, done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

// Only our own stores take this time. Whoever stands still for longer has lost the lease, and another starts the run.
const START_MS = LEASE_SECONDS * 1_000;
// The child's end is a signal; these looks are the guarantee behind it.
const LOOK_FIRST_MS = 1_000;
const LOOK_MAX_MS = 10 * 60_000;

const FIELDS = {
  name: z.string().regex(FLOW_NAME, 'is no name of a flow'),
  version: z.string().max(64).optional(),
  inputs: z.record(z.string(), anyValue).optional(),
  mode: z.enum(['wait', 'detach']).optional(),
};
const evaluated = z.strictObject(FIELDS);

interface FlowWith extends JsonObject {
  mode: 'wait' | 'detach';
}

const stateSchema = z.object({ child: z.string(), until: z.number(), lookMs: z.number() });

function waitFor(context: NodeContext, state: z.infer<typeof stateSchema>): Outcome {
  const next = { ...state, lookMs: Math.min(state.lookMs * 2, LOOK_MAX_MS) };
  const until = Math.min(context.now() + state.lookMs, state.until);
  return { kind: 'wait', wait: { kind: 'timer', until, state: next, child: state.child } };
}

function outcomeOf({ id, status, outputs, error, usage }: ChildRun): Outcome {
  if (status === 'succeeded') return done(outputs ?? {}, { usage });
  const said = status === 'canceled' ? 'was canceled' : `failed: ${error?.message ?? ''}`;
  return failed(status === 'canceled' ? 'run-canceled' : (error?.code ?? 'node-failed'), `Run ${id} ${said}`, {
    usage,
  });
}

export const FLOW: NodeKind<FlowWith> = {
  type: 'flow',
  summary: 'Runs another flow. Gives its outputs, or {run} at once with `mode: detach`.',
  with: asWritten(FIELDS),
  defaultTimeoutMs: START_MS,
  waits: ({ mode }) => mode !== 'detach',
  endsByItself: true,

  async run(context, given) {
    const read = readInput(evaluated, given);
    if ('refused' in read) return read.refused;
    const { name, version, inputs = {}, mode = 'wait' } = read.input;
    const asked = { flow: name, inputs: inputs as JsonObject, version };
    const child = await context.children.start(asked);
    if (mode === 'detach') return done({ run: child });
    return waitFor(context, { child, until: context.now() + context.timeoutMs, lookMs: LOOK_FIRST_MS });
  },

  async resume(context, _, resumption) {
    const state = stateSchema.parse(resumption.state);
    const child = await context.children.read(state.child);
    if (child === undefined) return failed('node-failed', `Run ${state.child} is gone`);
    if (child.isSettled) return outcomeOf(child);
    if (context.now() >= state.until) return failed('node-timed-out', `Run ${state.child} did not end in time`);
    return waitFor(context, state);
  },
};
