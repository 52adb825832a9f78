// Iterations and loops: Dify has an event when one begins, when its next round begins, and when it ends. They follow from
// the paths of the nodes.

import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { NodeRecord } from '../../run.ts';
import { renderNodeHead } from './node-events.ts';
import { type RunContext, renderHead, toObject, toSeconds } from './render.ts';

type NodeItem = Extract<StreamItem, { type: 'node.started' | 'node.finished' | 'node.retrying' | 'node.delta' }>;

interface Round {
  container: string;
  index: number;
}

/** `pages[00002].text[00001]` is in round 2 of `pages` and round 1 of `pages[00002].text`. */
function readRounds(path: string): Round[] {
  return [...path.matchAll(/\[(\d+)\]/g)].map((match) => ({
    container: path.slice(0, match.index),
    index: Number(match[1]),
  }));
}

export function makeContainers(context: RunContext) {
  const begun = new Map<string, Set<number>>();
  /** The newest output of each container. */
  const latest = new Map<string, JsonObject>();
  /** What the items of an iteration gave, by their index. */
  const itemOutputs = new Map<string, Map<number, Json>>();

  const readKind = (container: string): 'iteration' | 'loop' =>
    findNodeAt(context.plan.nodes, container)?.each ? 'iteration' : 'loop';

  function event(container: string, step: 'started' | 'next' | 'completed', at: number, more: object): object {
    const type = findNodeAt(context.plan.nodes, container)?.type ?? 'group';
    const { id, node_id, node_type, title, extras } = renderNodeHead(context, container, type);
    const data = { id, node_id, node_type, title, created_at: toSeconds(at), extras, ...more };
    return { event: `${readKind(container)}_${step}`, ...renderHead(context.run), data };
  }

  const start = (container: string, at: number): object[] => {
    if (begun.has(container)) return [];
    begun.set(container, new Set());
    return [event(container, 'started', at, { metadata: {}, inputs: {} })];
  };

  function enter({ container, index }: Round, at: number): object[] {
    const first = start(container, at);
    const rounds = begun.get(container) as Set<number>;
    if (rounds.has(index)) return [];
    rounds.add(index);
    if (readKind(container) === 'iteration') return [...first, event(container, 'next', at, { index })];
    const before = { index, pre_loop_output: latest.get(container) ?? {} };
    return first.length > 0 ? first : [event(container, 'next', at, before)];
  }

  /** An item is the last round of its path; what a node inside of it gave is not what the item gives. */
  function keepOutput({ path, status, output = null }: NodeRecord): void {
    const [, container, index] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
    if (container === undefined) return;
    const outputs = itemOutputs.get(container) ?? new Map<number, Json>();
    itemOutputs.set(container, outputs);
    const isSkipped = status === 'failed' && findNodeAt(context.plan.nodes, container)?.each?.onItemError === 'skip';
    if (!isSkipped) outputs.set(Number(index), output);
  }

  function listOutputs(container: string): Json[] {
    const outputs = [...(itemOutputs.get(container) ?? [])].sort(([a], [b]) => a - b).map(([, output]) => output);
    return findNodeAt(context.plan.nodes, container)?.each?.flatten ? (outputs.flat(1) as Json[]) : outputs;
  }

  function complete(record: NodeRecord): object[] {
    const { path, output, error, status, startedAt, endedAt = startedAt, items, usage } = record;
    const end = event(path, 'completed', startedAt, {
      outputs: toObject(items === undefined ? output : listOutputs(path)),
      status: status === 'succeeded' ? 'succeeded' : 'failed',
      error: error?.message ?? null,
      elapsed_time: (endedAt - startedAt) / 1_000,
      total_tokens: usage?.totalTokens ?? 0,
      execution_metadata: { total_tokens: usage?.totalTokens ?? 0 },
      finished_at: toSeconds(endedAt),
      steps: items || (begun.get(path)?.size ?? 0),
    });
    return [...start(path, startedAt), end];
  }

  /** Dify has no groups: those that neither iterate nor loop have no events of their own. */
  function isContainer(path: string): boolean {
    const node = findNodeAt(context.plan.nodes, path);
    return node?.type === 'group' || (node?.each !== undefined && !path.endsWith(']'));
  }

  return {
    /** The events of a node after those of the rounds that it begins; for a container, its end in their place. */
    *around(item: NodeItem, events: object[]): Generator<object> {
      const path = item.type === 'node.finished' ? item.record.path : item.path;
      yield* readRounds(path).flatMap((round) => enter(round, item.at));
      if (item.type === 'node.finished') {
        for (const { container } of readRounds(path)) latest.set(container, toObject(item.record.output));
        keepOutput(item.record);
        if (item.record.items !== undefined || begun.has(path)) return yield* complete(item.record);
      }
      if (!isContainer(path)) yield* events;
    },
  };
}
