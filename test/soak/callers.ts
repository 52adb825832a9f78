// The callers of the soak: they submit, repeat what got no answer under the same key, answer who asks, and cancel.

import { setTimeout as sleep } from 'node:timers/promises';
import type { KillablePlatform } from './killable-platform.ts';
import { drawKind, pickKind } from './kinds.ts';
import { type Accepted, type Ledger, noteAccepted } from './ledger.ts';
import { BEHAVIORS, type Receivers } from './receivers.ts';

const CALLERS = 6;
const MOST_WEBHOOKS = 3;
const CALL_EVERY_MS = 1_500;
const ANSWER_WITHIN_MS = 8_000;
// How often a caller does not trust an answer that it did get.
const DOUBTS = 0.1;

export interface Scene {
  platform: KillablePlatform;
  receivers: Receivers;
  ledger: Ledger;
}

/** Submits until the signal is aborted; resolves when every caller has its last answer. */
export async function callUntil(scene: Scene, signal: AbortSignal): Promise<void> {
  const follows: Promise<void>[] = [];
  let next = 0;
  async function caller(): Promise<void> {
    while (!signal.aborted) {
      const accepted = await submit(scene, next++);
      follows.push(follow(scene, accepted));
      await sleep(Math.random() * CALL_EVERY_MS);
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await Promise.all(follows);
}

async function submit({ platform, receivers, ledger }: Scene, n: number): Promise<Accepted> {
  const kind = drawKind();
  const { mode } = pickKind(kind);
  const webhooks = Array.from({ length: Math.floor(Math.random() * (MOST_WEBHOOKS + 1)) }, (_, index) => {
    const behavior = BEHAVIORS[Math.floor(Math.random() * BEHAVIORS.length)] ?? 'good';
    return { url: receivers.findAddress(behavior, `${n}/${index + 1}`) };
  });
  const body = { mode, inputs: { n, site: receivers.site }, webhooks, metadata: { n } };
  const ask = () => platform.call('POST', `/v1/flows/${kind}/runs`, body, { 'idempotency-key': `soak-${n}` });
  const { status, body: run } = await ask();
  if (status !== 200 && status !== 202) throw new Error(`Run ${n} was refused: ${status} ${JSON.stringify(run)}`);
  const accepted = noteAccepted(ledger, { n, kind, id: run.id, webhooks: webhooks.length });
  // The key of a run that failed is free again, so a repeat would be another run.
  if (kind !== 'fails' && Math.random() < DOUBTS) {
    const { body: again } = await ask();
    if (again.id !== run.id) ledger.otherRuns.push(`run ${n} is ${run.id}, and ${again.id} when asked for again`);
  }
  return accepted;
}

async function follow({ platform }: Scene, { kind, id }: Accepted): Promise<void> {
  const { follow: how } = pickKind(kind);
  if (how === undefined) return;
  await sleep(Math.random() * ANSWER_WITHIN_MS);
  if (how === 'cancel') await platform.call('POST', `/v1/runs/${id}/cancel`);
  else await platform.call('POST', `/v1/runs/${id}/signals/decision`, { yes: true });
}
