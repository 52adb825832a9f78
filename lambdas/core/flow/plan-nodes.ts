// Makes the nodes of the plan from checked drafts: every default is written out, so the engine decides nothing.

import { MAX_EACH_ITEMS, RUN_CEILING_SECONDS } from '../limits.ts';
import type { Edges } from './edges.ts';
import { unwrapExpression, writeList } from './expression-sites.ts';
import type { EachPolicy, PlanNode, RepeatPolicy, RetryPolicy } from './plan.ts';
import type { Draft } from './scope.ts';
import type { NodeFields } from './shapes.ts';

const RETRY: RetryPolicy = { max: 0, delayMs: 1_000, backoff: 2, maxDelayMs: 60_000, jitter: true };

export interface Planned {
  draft: Draft;
  edges: Edges;
  inside?: PlanNode[];
}

export function planNode({ draft, edges, inside }: Planned): PlanNode {
  const { fields, kind } = draft;
  const { when, each, repeat, output } = fields;
  return {
    id: draft.id,
    type: fields.type,
    title: fields.title,
    with: draft.with ?? {},
    needs: edges.needs,
    waitsFor: edges.waitsFor,
    join: fields.join ?? kind.join ?? 'all',
    ...(when !== undefined && { when: unwrapExpression(when) }),
    ...(each !== undefined && { each: eachPolicy(each) }),
    ...(repeat !== undefined && { repeat: repeatPolicy(repeat) }),
    retry: retryPolicy(fields.retry),
    timeoutMs: fields.timeout ?? defaultTimeoutMs(draft),
    onError: fields.onError ?? 'fail',
    output,
    stream: fields.stream,
    nodes: inside,
  };
}

/** A node that waits, or a group whose nodes may wait, is bounded by the run alone. */
function defaultTimeoutMs({ kind, with: source, inside }: Draft): number {
  const isOpen = inside !== undefined || (source !== undefined && kind.waits?.(source));
  return isOpen ? RUN_CEILING_SECONDS * 1_000 : kind.defaultTimeoutMs;
}

function eachPolicy(each: NonNullable<NodeFields['each']>): EachPolicy {
  const fields = typeof each === 'string' ? { in: each } : each;
  return {
    in: writeList(fields.in),
    concurrency: fields.concurrency ?? 1,
    max: fields.max ?? MAX_EACH_ITEMS,
    onItemError: fields.onItemError ?? 'fail',
    flatten: fields.flatten ?? false,
  };
}

function repeatPolicy({ until, max, vars, next }: NonNullable<NodeFields['repeat']>): RepeatPolicy {
  return { ...(until !== undefined && { until: unwrapExpression(until) }), max, vars: vars ?? {}, next: next ?? {} };
}

function retryPolicy(retry: NodeFields['retry'] = 0): RetryPolicy {
  if (typeof retry === 'number') return { ...RETRY, max: retry };
  return {
    max: retry.max,
    delayMs: retry.delay ?? RETRY.delayMs,
    backoff: retry.backoff ?? RETRY.backoff,
    maxDelayMs: retry.maxDelay ?? Math.max(RETRY.maxDelayMs, retry.delay ?? 0),
    jitter: retry.jitter ?? RETRY.jitter,
    on: retry.on,
  };
}
