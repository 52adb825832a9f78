// The wait node: continues later. The engine decides whether a wait is inline or suspends the run.

import * as z from 'zod';
import { duration, orExpression, readMilliseconds } from '../flow/fields.ts';
import type { Json, JsonObject } from '../json.ts';
import { HANDOFF_WAIT_SECONDS, RUN_CEILING_SECONDS } from '../limits.ts';
import { done, failed, type NodeKind } from './node-kind.ts';

interface WaitWith extends JsonObject {
  for: Json;
  until: Json;
}

const WRONG =
  'Invalid input: with.for must be a duration such as 30s, or with.until a time such as 2026-01-31T08:00:00Z';

function readWakeTime(now: number, input: WaitWith): number | undefined {
  const ms = readMilliseconds(input.for ?? undefined);
  if (ms !== undefined) return now + ms;
  const at = typeof input.until === 'string' ? Date.parse(input.until) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Undefined for an expression: its value is known only in a run. */
function readLiteralMs(source: WaitWith): number | undefined {
  if (typeof source.until === 'string' && !source.until.includes('${{')) return Number.POSITIVE_INFINITY;
  return readMilliseconds(source.for ?? undefined);
}

export const WAIT: NodeKind<WaitWith> = {
  type: 'wait',
  summary: 'Waits `for` a duration or `until` a time.',
  fields: {
    for: 'How long to wait: 30s, 2h',
    until: 'A time to wait for, ISO 8601 or milliseconds',
  },
  with: z
    .strictObject({
      for: orExpression(duration({ maxMs: RUN_CEILING_SECONDS * 1_000 })).optional(),
      until: orExpression(z.iso.datetime({ offset: true })).optional(),
    })
    .refine((source) => (source.for === undefined) !== (source.until === undefined), {
      error: 'needs either `for` or `until`',
    }),
  defaultTimeoutMs: 5_000,
  waits: () => true,
  endsByItself: true,
  blocks: (source) =>
    (readLiteralMs(source) ?? 0) > HANDOFF_WAIT_SECONDS * 1_000
      ? { sync: `waits longer than ${HANDOFF_WAIT_SECONDS} seconds` }
      : {},
  run: async (context, input) => {
    const until = readWakeTime(context.now(), input);
    if (until === undefined) return failed('node-failed', WRONG);
    return until <= context.now() ? done(null) : { kind: 'wait', wait: { kind: 'timer', until } };
  },
  resume: async () => done(null),
};
