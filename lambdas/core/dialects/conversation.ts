// A conversation with a workflow: the first call starts a run; while that run waits at a question, the next call answers it.

import type { Caller } from '../access/caller.ts';
import { signalRun } from '../api/signal.ts';
import { conversationQuery } from '../api/submit.ts';
import type { Json } from '../json.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';
import { replay } from '../runs/replay.ts';

export async function findLatestRun(
  ports: Ports,
  { tenant }: Caller,
  at: { flow: string; conversation: string },
): Promise<Run | undefined> {
  const { runs } = await ports.runs.list({
    tenant: tenant.id,
    flow: at.flow,
    ...conversationQuery(at.conversation),
    limit: 1,
  });
  return runs[0];
}

/** The answered run and the number of the last event before the answer; undefined if no question waits. */
export async function answerQuestion(
  ports: Ports,
  caller: Caller,
  { flow, conversation, answer }: { flow: string; conversation: string; answer: Json },
): Promise<{ run: Run; after: number } | undefined> {
  const latest = await findLatestRun(ports, caller, { flow, conversation });
  if (latest?.status !== 'waiting' || latest.waitingFor !== 'question') return undefined;
  const { records } = await ports.runs.load(latest.id);
  const question = records.find((record) => record.status === 'waiting' && record.wait?.kind === 'question');
  if (!question) return undefined;
  const after = replay(latest, records, ports.clock.now()).at(-1)?.seq ?? 0;
  const run = await signalRun(ports, caller, { runId: latest.id, path: question.path, payload: answer });
  return { run, after };
}
