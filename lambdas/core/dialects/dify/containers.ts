// Iterations and loops: Dify tells when one begins, goes on to the next round, and ends; we derive it from the paths.

import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { JsonObject } from '../../json.ts';
import type { NodeRecord } from '../../run.ts';
import { nodeWords } from './node-events.ts';
import { renderHead } from './result.ts';
import { asObject, seconds, type Told } from './words.ts';

type NodeItem = Extract<StreamItem, { type: 'node.started' | 'node.finished' | 'node.retrying' | 'node.delta' }>;

interface Round {
  container: string;
  index: number;
}

/** `pages[00002].text[00001]` is in round 2 of `pages` and round 1 of `pages[00002].text`. */
function roundsOf(path: string): Round[] {
  return [...path.matchAll(/\[(\d+)\]/g)].map((match) => ({
    container: path.slice(0, match.index),
    index: Number(match[1]),
  }));
}

export function makeContainers(told: Told) {
  const begun = new Map<string, Set<number>>();
  /** What the round before gave, as far as it was heard. */
  const latest = new Map<string, JsonObject>();

  const kindOf = (container: string): 'iteration' | 'loop' =>
    findNodeAt(told.plan.nodes, container)?.each ? 'iteration' : 'loop';

  function event(container: string, step: 'started' | 'next' | 'completed', at: number, more: object): object {
    const type = findNodeAt(told.plan.nodes, container)?.type ?? 'group';
    const { id, node_id, node_type, title, extras } = nodeWords(told, container, type);
    const data = { id, node_id, node_type, title, created_at: seconds(at), extras, ...more };
    return { event: `${kindOf(container)}_${step}`, ...renderHead(told.run), data };
  }

  function enter({ container, index }: Round, at: number): object[] {
    const rounds = begun.get(container);
    if (!rounds) {
      begun.set(container, new Set([index]));
      return [event(container, 'started', at, { metadata: {}, inputs: {} })];
    }
    if (rounds.has(index)) return [];
    rounds.add(index);
    const before = kindOf(container) === 'loop' ? { pre_loop_output: latest.get(container) ?? {} } : {};
    return [event(container, 'next', at, { index, ...before })];
  }

  function completed(record: NodeRecord): object {
    const { path, output, error, status, startedAt, endedAt = startedAt, items = 0, usage } = record;
    return event(path, 'completed', startedAt, {
      outputs: asObject(output),
      status: status === 'succeeded' ? 'succeeded' : 'failed',
      error: error?.message ?? null,
      elapsed_time: (endedAt - startedAt) / 1_000,
      total_tokens: usage?.totalTokens ?? 0,
      execution_metadata: { total_tokens: usage?.totalTokens ?? 0 },
      finished_at: seconds(endedAt),
      steps: items || (begun.get(path)?.size ?? 0),
    });
  }

  return {
    /** The events of a node with those of the rounds that it begins, or the end of the container that it is. */
    *around(item: NodeItem, events: object[]): Generator<object> {
      if (item.type === 'node.finished') {
        const rounds = roundsOf(item.record.path);
        yield* rounds.flatMap((round) => enter(round, item.at));
        for (const { container } of rounds) latest.set(container, asObject(item.record.output));
        if (item.record.items !== undefined || begun.has(item.record.path)) yield completed(item.record);
        else yield* events;
        return;
      }
      yield* roundsOf(item.path).flatMap((round) => enter(round, item.at));
      yield* events;
    },
  };
}
