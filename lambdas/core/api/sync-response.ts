// How long a sync caller waits, and what it gets: the true status at once, or a kept-alive answer that ends in JSON.
// Who runs the slice belongs to run-inline.ts; what a run looks like, to the dialect.

import { ApiError } from '../errors.ts';
import { CALLER_CEILING_SECONDS, SYNC_KEEPALIVE_SECONDS, SYNC_STATUS_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run, type RunRecord } from '../run.ts';
import type { Reply } from './reply.ts';
import { runInline } from './run-inline.ts';
import { withTimeout } from './with-timeout.ts';

const POLL_FIRST_MS = 1_000;
const POLL_MAX_MS = 10_000;
const POLL_BACKOFF = 1.5;

/**
 * A run that waits for a timer goes on by itself, so its caller keeps waiting; one that waits for somebody does not,
 * unless they have answered already.
 */
export function waitsForSomebody(run: Run): boolean {
  return run.status === 'waiting' && run.waitingFor !== 'timer' && run.signals <= run.seenSignals;
}

const isAnswer = (run: Run): boolean => isSettled(run.status) || waitsForSomebody(run);

/** The run once there is something to say about it, or as it is at `untilMs`. */
async function waitUntilAnswer(
  ports: Ports,
  first: Run,
  until: { untilMs: number; signal: AbortSignal },
): Promise<Run> {
  let run = first;
  let delayMs = POLL_FIRST_MS;
  while (!isAnswer(run)) {
    const leftMs = until.untilMs - ports.clock.now();
    if (leftMs <= 0 || until.signal.aborted) return run;
    await ports.clock.sleep(Math.min(delayMs, leftMs), until.signal);
    delayMs = Math.min(delayMs * POLL_BACKOFF, POLL_MAX_MS);
    run = (await ports.runs.glance(run.id)) ?? run;
  }
  return run;
}

export interface SyncCall {
  run: Run;
  /** The run of an earlier request with the same idempotency key: somebody else runs it, we wait with them. */
  replayed: boolean;
  /** When the request came: the connection's age counts, not the run's. */
  receivedAt: number;
  render(record: RunRecord): unknown | Promise<unknown>;
  /** HTTP status, while it can still be said; native's where absent. */
  status?(record: RunRecord): number;
}

async function renderCall(ports: Ports, call: SyncCall): Promise<{ record: RunRecord; json: unknown }> {
  const record = await ports.runs.read(call.run.id);
  if (!record) throw new ApiError('run-not-found', `There is no run '${call.run.id}'`);
  return { record, json: await call.render(record) };
}

/** A JSON text may begin with spaces, so they keep the connection alive without spoiling the body. */
async function* withKeepAlive(
  ports: Ports,
  call: SyncCall,
  end: { run: Promise<Run>; untilMs: number; leave(): void },
) {
  try {
    for (;;) {
      yield ' ';
      const leftMs = end.untilMs - ports.clock.now();
      if (leftMs <= 0) break;
      const run = await withTimeout(ports.clock, end.run, Math.min(SYNC_KEEPALIVE_SECONDS * 1_000, leftMs));
      if (run !== undefined) break;
    }
    yield JSON.stringify((await renderCall(ports, call)).json);
  } finally {
    end.leave();
  }
}

/**
 * 200 with the run when it has ended (however it ended: its own `status` says), 202 when it waits for somebody; both
 * only within SYNC_STATUS_SECONDS. After that the status is 200 and the body comes when the run ends, or at
 * CALLER_CEILING_SECONDS with the run as it is then. `pending` is the slice: it goes on without its caller.
 */
export async function answerRun(ports: Ports, call: SyncCall): Promise<Reply> {
  const untilMs = call.receivedAt + CALLER_CEILING_SECONDS * 1_000;
  const gone = new AbortController();
  const slice = call.replayed ? Promise.resolve(call.run) : runInline(ports, call.run, { untilMs });
  const run = slice.then((ran) => waitUntilAnswer(ports, ran, { untilMs, signal: gone.signal }));
  // A caller that leaves takes its interest in the outcome along, not the slice.
  run.catch(() => undefined);

  const statusMs = call.receivedAt + SYNC_STATUS_SECONDS * 1_000 - ports.clock.now();
  if ((await withTimeout(ports.clock, run, Math.max(0, statusMs))) === undefined) {
    const stream = withKeepAlive(ports, call, { run, untilMs, leave: () => gone.abort() });
    return { status: 200, body: { stream, type: 'application/json; charset=utf-8' }, pending: slice };
  }
  const { record, json } = await renderCall(ports, call);
  const status = call.status?.(record) ?? (isSettled(record.run.status) ? 200 : 202);
  return { status, body: { json } };
}
