// The events of a run as its records give them: for callers elsewhere than the process that runs it, and for latecomers.

import { REPLAY_SETTLED_MS } from '../limits.ts';
import { isSettled, type NodeRecord, type Run } from '../run.ts';
import { endedSeq, type NumberedEvent, STARTED_SEQ, waitingSeq } from './events.ts';
import { REUSED_EPOCH } from './reuse.ts';

/** In the order of their numbers. `run` was read before the records, so that a settled run has all of them. */
export function replay(run: Run, records: readonly NodeRecord[], now: number): NumberedEvent[] {
  const events: NumberedEvent[] = [];
  if (run.startedAt !== undefined) events.push({ type: 'run.started', seq: STARTED_SEQ, run });
  for (const record of complete(run, records, now)) events.push(...replayRecord(record));
  if (run.status === 'waiting') events.push({ type: 'run.waiting', seq: waitingSeq(run.epoch), run });
  if (isSettled(run.status)) events.push({ type: 'run.finished', seq: endedSeq(run.epoch), run });
  return events;
}

function complete(run: Run, records: readonly NodeRecord[], now: number): NodeRecord[] {
  const own = records.filter(({ epoch }) => epoch !== REUSED_EPOCH);
  const inOrder = own.sort((a, b) => a.seq - b.seq);
  if (run.status !== 'running') return inOrder;
  const young = inOrder.findIndex((record) => (record.endedAt ?? record.startedAt) > now - REPLAY_SETTLED_MS);
  return young < 0 ? inOrder : inOrder.slice(0, young);
}

function replayRecord(record: NodeRecord): NumberedEvent[] {
  const { path, type, startedAt, endedAt, wait, seq } = record;
  if (record.status === 'waiting')
    return wait && wait.retry === undefined ? [{ type: 'node.waiting', seq, at: startedAt, path, wait }] : [];
  const at = endedAt ?? startedAt;
  const text = readText(record);
  return [
    { type: 'node.started', seq: seq - 2, at: startedAt, path, node: nodeId(path), nodeType: type },
    ...(text === undefined ? [] : [{ type: 'node.delta', seq: seq - 1, at, path, text, isWhole: true } as const]),
    { type: 'node.finished', seq, at, record },
  ];
}

/** What a node said to the end user while it ran. */
function readText({ said, output }: NodeRecord): string | undefined {
  const text = said ? (output as { text?: unknown } | null | undefined)?.text : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** `text` of `pages[00002].text`, `pages` of `pages[00002]`. */
const nodeId = (path: string): string => path.slice(path.lastIndexOf('.') + 1).replace(/(?:\[\d+\])+$/, '');
