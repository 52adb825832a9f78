// The schemas of single fields that the flow format and the node kinds share: expressions, durations, sizes, ids.
// Which fields there are belongs to shapes.ts and to each node kind.

import * as z from 'zod';
import type { Json } from '../json.ts';
import { DURATION, parseDuration, renderDuration } from '../parse/duration.ts';

const UNIT_BYTES: Record<string, number> = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 };

const SIZE = /^(\d{1,12}(?:\.\d{1,3})?) ?(B|KB|MB|GB)$/;

/** A text in which a value is computed when the node runs. */
export const EXPRESSION = /\$\{\{/;
/** Ids of nodes, inputs, outputs, models: no hyphens, so that an expression needs no quotes. */
export const ID = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** Completes a message that begins with the id. */
export const ID_RULE = 'is not a valid id: use letters, digits and _, at most 64, and no digit at the beginning';
/** A flow's name is never written in an expression, so it may have hyphens. */
export const FLOW_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** `10MB` → bytes; undefined where the text is not a size. */
function parseByteSize(text: string): number | undefined {
  const [, amount, unit] = SIZE.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (UNIT_BYTES[unit ?? ''] ?? Number.NaN));
}

/** A duration as an author writes it (`500ms`, `30s`, `1h30m`), parsed to milliseconds. */
export function duration(bounds: { minMs?: number; maxMs?: number } = {}) {
  return z
    .string({ error: 'must be a duration with its unit, such as 30s, 5m or 1h30m' })
    .transform((text, context) => {
      const ms = parseDuration(text);
      const problem = durationProblem(ms, bounds);
      if (problem === undefined && ms !== undefined) return ms;
      context.addIssue({ code: 'custom', message: problem ?? '' });
      return z.NEVER;
    })
    .meta({ pattern: DURATION.source, description: 'A duration: 500ms, 30s, 5m, 1h30m' });
}

/** A size as an author writes it (`10MB`, in steps of 1,024), parsed to bytes. */
export function byteSize(bounds: { maxBytes?: number } = {}) {
  return z
    .string({ error: 'must be a size with its unit, such as 500KB or 10MB' })
    .transform((text, context) => {
      const bytes = parseByteSize(text);
      if (bytes !== undefined && bytes <= (bounds.maxBytes ?? bytes)) return bytes;
      const message =
        bytes === undefined ? 'must be a size such as 500KB or 10MB' : `must be at most ${bounds.maxBytes} bytes`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({ pattern: SIZE.source, description: 'A size in bytes: 500KB, 10MB' });
}

/**
 * Milliseconds of a duration field when its node runs: a number where the compiler parsed the author's text, a text
 * (`30s`) where an expression gave the value. Undefined where it is neither.
 */
export function readMilliseconds(value: Json | undefined): number | undefined {
  if (typeof value === 'string') return parseDuration(value.trim());
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

// Aborts, so that the message for a wrong value says what it must be, not that it is not an expression.
const expressionText = z.string().regex(EXPRESSION, { abort: true }).meta({ description: 'An expression: ${{ ... }}' });

/** `schema`, or a string that holds `${{ }}` and becomes the value when the node runs. */
export function orExpression<T extends z.ZodType>(schema: T) {
  return z.union([expressionText, schema]);
}

/** A bare expression (`when`, `each.in`), with or without `${{ }}` around it. */
export const bareExpression = z
  .union([z.string().trim().min(1), z.boolean(), z.number()])
  .meta({ description: 'A bare expression: JSONata without ${{ }} around it' });

/** A value of any shape, in which every string may hold `${{ }}`. */
export const anyValue = z.json();

function durationProblem(ms: number | undefined, { minMs, maxMs }: { minMs?: number; maxMs?: number }) {
  if (ms === undefined) return 'must be a duration such as 30s, 5m or 1h30m';
  if (minMs !== undefined && ms < minMs) return `must be at least ${renderDuration(minMs)}`;
  if (maxMs !== undefined && ms > maxMs) return `must be at most ${renderDuration(maxMs)}`;
  return undefined;
}
