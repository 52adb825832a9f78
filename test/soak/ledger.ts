// What the soak knows that the platform has promised, and what became of it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from '../support/api-client.ts';
import type { KillablePlatform } from './killable-platform.ts';
import { type KindName, pickKind } from './kinds.ts';
import type { ReceivedWebhook } from './receivers.ts';

export interface Accepted {
  n: number;
  kind: KindName;
  id: string;
  webhooks: number;
}

export interface Ledger {
  accepted: Accepted[];
  /** Repeats under the same key that gave another run. */
  otherRuns: string[];
}

export function noteAccepted(ledger: Ledger, accepted: Accepted): Accepted {
  ledger.accepted.push(accepted);
  return accepted;
}

export interface Findings {
  /** Last seen of every accepted run, by its number. */
  runs: Map<number, Body>;
  /** Accepted, and not ended in time. */
  lost: string[];
  /** Ended otherwise than its flow says. */
  wrong: string[];
  /** One key, two runs. */
  duplicates: string[];
  /** Webhooks that nobody received. */
  undelivered: string[];
  quietAfterMs: number;
}

const ENDED = ['succeeded', 'failed', 'canceled'];
const LOOK_MS = 1_000;
const LOOKERS = 8;

/** Waits until every run has ended and every webhook was delivered, or until `withinMs` is over. */
export async function waitUntilQuiet(
  {
    platform,
    ledger,
    received,
  }: { platform: KillablePlatform; ledger: Ledger; received: Map<string, ReceivedWebhook> },
  withinMs: number,
): Promise<Findings> {
  const begunMs = performance.now();
  const runs = new Map<number, Body>();
  const open = () => ledger.accepted.filter(({ n }) => !ENDED.includes(runs.get(n)?.status));
  const findUndelivered = () =>
    ledger.accepted.flatMap(({ n, webhooks }) =>
      Array.from({ length: webhooks }, (_, index) => `${n}/${index + 1}`).filter(
        (name) => !received.get(name)?.accepted,
      ),
    );
  for (;;) {
    await look(platform, open(), runs);
    if (open().length === 0 && findUndelivered().length === 0) break;
    if (performance.now() - begunMs > withinMs) break;
    await sleep(LOOK_MS);
  }
  return {
    runs,
    lost: open().map(({ n, kind, id }) => `${kind} ${n}, ${id}: ${runs.get(n)?.status ?? 'unknown'}`),
    wrong: ledger.accepted.filter(({ n }) => ENDED.includes(runs.get(n)?.status)).flatMap((it) => findWrong(it, runs)),
    duplicates: await findDuplicates(platform, ledger),
    undelivered: findUndelivered(),
    quietAfterMs: performance.now() - begunMs,
  };
}

async function look(platform: KillablePlatform, open: Accepted[], runs: Map<number, Body>): Promise<void> {
  const left = [...open];
  const lane = async () => {
    for (let it = left.shift(); it; it = left.shift()) {
      const { status, body } = await platform.call('GET', `/v1/runs/${it.id}`);
      if (status === 200) runs.set(it.n, body);
    }
  };
  await Promise.all(Array.from({ length: LOOKERS }, lane));
}

function findWrong({ n, kind, id }: Accepted, runs: Map<number, Body>): string[] {
  const run = runs.get(n);
  if (pickKind(kind).isRight(run, n)) return [];
  return [`${kind} ${n}, ${id}: ${JSON.stringify({ status: run.status, outputs: run.outputs, error: run.error })}`];
}

/** Every run that there is, by the number its caller gave it: an accept that was repeated must have made one. */
async function findDuplicates(platform: KillablePlatform, ledger: Ledger): Promise<string[]> {
  const byNumber = new Map<number, Set<string>>();
  const kinds = new Map(ledger.accepted.map(({ n, kind }) => [n, kind]));
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Body = (
      await platform.call('GET', `/v1/runs?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
    ).body;
    for (const { id, metadata } of page.items) {
      byNumber.set(metadata.n, (byNumber.get(metadata.n) ?? new Set()).add(id));
    }
    cursor = page.next;
  }
  return [...byNumber].flatMap(([n, ids]) =>
    ids.size === 1 || kinds.get(n) === 'fails' ? [] : [`${n}: ${[...ids].join(', ')}`],
  );
}
