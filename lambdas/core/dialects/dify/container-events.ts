// Iterations and loops: Dify has an event when one begins, when its next round begins, and when it ends. They follow from
// the paths of the nodes.

import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { JsonObject } from '../../json.ts';
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

  const readKind = (container: string): 'iteration' | 'loop' =>
    findNodeAt(context.plan.nodes, container)?.each ? 'iteration' : 'loop';

  function event(container: string, step: 'started' | 'next' | 'completed', at: number, more: object): object {
    const type = findNodeAt(context.plan.nodes, container)?.type ?? 'group';
    const { id, node_id, node_type, title, extras } = renderNodeHead(context, container, type);
    const data = { id, node_id, node_type, title, created_at: toSeconds(at), extras, ...more };
    return { event: `${readKind(container)}_${step}`, ...renderHead(context.run), data };
  }

  function enter({ container, index }: Round, at: number): object[] {
    const rounds = begun.get(container);
    if (!rounds) {
      begun.set(container, new Set([index]));
      return [event(container, 'started', at, { metadata: {}, inputs: {} })];
    }
    if (rounds.has(index)) return [];
    rounds.add(index);
    const before = readKind(container) === 'loop' ? { pre_loop_output: latest.get(container) ?? {} } : {};
    return [event(container, 'next', at, { index, ...before })];
  }

  function complete(record: NodeRecord): object {
    const { path, output, error, status, startedAt, endedAt = startedAt, items = 0, usage } = record;
    return event(path, 'completed', startedAt, {
      outputs: toObject(output),
      status: status === 'succeeded' ? 'succeeded' : 'failed',
      error: error?.message ?? null,
      elapsed_time: (endedAt - startedAt) / 1_000,
      total_tokens: usage?.totalTokens ?? 0,
      execution_metadata: { total_tokens: usage?.totalTokens ?? 0 },
      finished_at: toSeconds(endedAt),
      steps: items || (begun.get(path)?.size ?? 0),
    });
  }

  return {
    /** The events of a node after those of the rounds that it begins; for a container, its end in their place. */
    *around(item: NodeItem, events: object[]): Generator<object> {
      if (item.type === 'node.finished') {
        const rounds = readRounds(item.record.path);
        yield* rounds.flatMap((round) => enter(round, item.at));
        for (const { container } of rounds) latest.set(container, toObject(item.record.output));
        if (item.record.items !== undefined || begun.has(item.record.path)) yield complete(item.record);
        else yield* events;
        return;
      }
      yield* readRounds(item.path).flatMap((round) => enter(round, item.at));
      yield* events;
    },
  };
}
