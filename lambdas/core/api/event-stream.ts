// A run as a stream: live from the slice in this process, from the records where it runs elsewhere, kept alive by pings
// and let go before the connection's ceiling. What an event looks like on the wire belongs to the dialects.

import { CALLER_CEILING_SECONDS, MAX_BUFFERED_EVENTS, SSE_PING_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import type { NumberedEvent } from '../runs/events.ts';
import { replay } from '../runs/replay.ts';
import { makeEventBuffer } from './event-buffer.ts';
import { runInline } from './run-inline.ts';
import { waitsForSomebody } from './sync-response.ts';
import { withTimeout } from './with-timeout.ts';

/** A ping says that the connection lives; `run.detached` that it ends here while the run goes on. */
export type StreamItem = NumberedEvent | { type: 'ping' } | { type: 'run.detached'; runId: string };

const LOOK_FIRST_MS = 500;
const LOOK_MAX_MS = 5_000;
const LOOK_BACKOFF = 1.5;

interface Window {
  /** Only events with a higher number. */
  after: number;
  signal: AbortSignal;
}

/** From the records until the run has settled: whoever runs it. */
async function* followed(ports: Ports, runId: string, { after, signal }: Window): AsyncGenerator<NumberedEvent> {
  let last = after;
  let delayMs = LOOK_FIRST_MS;
  while (!signal.aborted) {
    const run = await ports.runs.get(runId);
    if (run === undefined) return;
    const { records } = await ports.runs.load(runId);
    const fresh = replay(run, records, ports.clock.now()).filter(({ seq }) => seq > last);
    for (const event of fresh) {
      yield event;
      last = event.seq;
    }
    if (isSettled(run.status)) return;
    delayMs = fresh.length > 0 ? LOOK_FIRST_MS : Math.min(delayMs * LOOK_BACKOFF, LOOK_MAX_MS);
    await ports.clock.sleep(delayMs, signal);
  }
}

interface Connection {
  runId: string;
  receivedAt: number;
  /** Aborted when nobody reads any more. */
  gone: AbortController;
}

async function* connected(
  ports: Ports,
  events: AsyncIterable<NumberedEvent>,
  { runId, receivedAt, gone }: Connection,
): AsyncGenerator<StreamItem> {
  const untilMs = receivedAt + CALLER_CEILING_SECONDS * 1_000;
  const iterator = events[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const leftMs = untilMs - ports.clock.now();
      if (leftMs <= 0) return yield { type: 'run.detached', runId };
      const item = await withTimeout(ports.clock, next, Math.min(SSE_PING_SECONDS * 1_000, leftMs));
      if (item === undefined) yield { type: 'ping' };
      else if (item.done) return;
      else {
        yield item.value;
        next = iterator.next();
      }
    }
  } finally {
    gone.abort();
    // A read that fails after its reader has gone concerns nobody.
    next.catch(() => undefined);
  }
}

/** What happened after number `after`, and what happens, until the run has settled. */
export function streamEvents(
  ports: Ports,
  { runId, after, receivedAt }: { runId: string; after: number; receivedAt: number },
): AsyncIterable<StreamItem> {
  const gone = new AbortController();
  return connected(ports, followed(ports, runId, { after, signal: gone.signal }), { runId, receivedAt, gone });
}

/** The same, until somebody must answer first. */
export function streamOn(
  ports: Ports,
  { runId, after, receivedAt }: { runId: string; after: number; receivedAt: number },
): AsyncIterable<StreamItem> {
  const gone = new AbortController();
  const events = untilSomebody(followed(ports, runId, { after, signal: gone.signal }));
  return connected(ports, events, { runId, receivedAt, gone });
}

export interface StreamedCall {
  run: Run;
  /** The run of an earlier request with the same idempotency key: somebody else runs it. */
  replayed: boolean;
  receivedAt: number;
}

/**
 * Runs the run here and reports its events as they come. It ends with `run.finished`, with `run.waiting` where somebody must
 * answer first, or with `run.detached`. `pending` is the slice: it goes on without its caller.
 */
export function streamRun(
  ports: Ports,
  { run, replayed, receivedAt }: StreamedCall,
): { items: AsyncIterable<StreamItem>; pending: Promise<unknown> } {
  if (replayed) {
    return { items: streamOn(ports, { runId: run.id, after: 0, receivedAt }), pending: Promise.resolve() };
  }
  const gone = new AbortController();
  const live = makeEventBuffer<NumberedEvent>({
    size: MAX_BUFFERED_EVENTS,
    canSpare: ({ type }) => type === 'node.delta',
  });
  const untilMs = receivedAt + CALLER_CEILING_SECONDS * 1_000;
  const slice = runInline(ports, run, { untilMs, emit: live.push }).finally(live.close);
  const events = untilSomebody(liveThenFollowed(ports, live, { runId: run.id, signal: gone.signal }));
  return { items: connected(ports, events, { runId: run.id, receivedAt, gone }), pending: slice };
}

async function* liveThenFollowed(
  ports: Ports,
  live: AsyncIterable<NumberedEvent>,
  { runId, signal }: { runId: string; signal: AbortSignal },
): AsyncGenerator<NumberedEvent> {
  let last = 0;
  for await (const event of live) {
    yield event;
    last = Math.max(last, event.seq);
    if (event.type === 'run.finished') return;
  }
  yield* followed(ports, runId, { after: last, signal });
}

async function* untilSomebody(events: AsyncIterable<NumberedEvent>): AsyncGenerator<NumberedEvent> {
  for await (const event of events) {
    yield event;
    if (event.type === 'run.waiting' && waitsForSomebody(event.run)) return;
  }
}
