// Keeps a slice's lease alive and notices what happens outside: cancel requests, signals, the deadline.

import { LEASE_MARGIN_SECONDS, LEASE_RENEW_SECONDS, LEASE_SECONDS, WATCH_SECONDS } from '../limits.ts';
import type { Slice } from './slice.ts';

export interface Watch {
  /** False when the lease is lost or has run out. Renews first where too little of it is left for a write to land in time. */
  ensureLease(): Promise<boolean>;
  changed(): Promise<void>;
  end(): Promise<void>;
}

type Watched = Pick<Slice, 'ports' | 'run' | 'signals' | 'stop'>;

export function watch(slice: Watched): Watch {
  const { clock, runs, log } = slice.ports;
  const over = new AbortController();
  // Not from now: loading the run has taken some of it.
  let leaseUntil = slice.run.leaseUntil ?? clock.now();
  let notify: () => void = () => {};
  let change = newChange();

  function newChange(): Promise<void> {
    return new Promise((resolve) => {
      notify = resolve;
    });
  }

  async function renew(): Promise<boolean> {
    if (clock.now() >= leaseUntil) {
      slice.stop.abort('stalled');
      return false;
    }
    const until = clock.now() + LEASE_SECONDS * 1_000;
    const renewed = await runs.renew(slice.run.id, slice.run.epoch, until);
    if (renewed.kind === 'lost') {
      slice.stop.abort('lost');
      return false;
    }
    leaseUntil = until;
    await notice(renewed.run);
    return true;
  }

  async function notice(run: Slice['run']): Promise<void> {
    // A glance may be old, so only a later epoch says that somebody else took over.
    if (run.epoch > slice.run.epoch) slice.stop.abort('lost');
    else if (run.cancelRequested) slice.stop.abort('canceled');
    else if (run.signals > slice.run.signals) {
      const { signals } = await runs.load(run.id);
      for (const signal of signals) slice.signals.set(signal.path, signal);
      slice.run = { ...slice.run, signals: run.signals };
      notify();
      change = newChange();
    }
  }

  async function look(): Promise<void> {
    if (clock.now() >= slice.run.deadlineAt) slice.stop.abort('expired');
    else if (leaseUntil - clock.now() <= (LEASE_SECONDS - LEASE_RENEW_SECONDS) * 1_000) await renew();
    else {
      const run = await runs.glance(slice.run.id);
      if (run) await notice(run);
    }
  }

  async function loop(): Promise<void> {
    for (;;) {
      const untilDeadline = Math.max(0, slice.run.deadlineAt - clock.now());
      await clock.sleep(Math.min(WATCH_SECONDS * 1_000, untilDeadline), over.signal);
      if (over.signal.aborted || slice.stop.signal.aborted) return;
      // A look that fails is repeated; if the store stays away, `ensureLease` ends the slice when the lease runs out.
      await look().catch((error: unknown) => log.warn('a running slice could not look at its run', { error }));
    }
  }

  const looping = loop();
  return {
    async ensureLease() {
      if (slice.stop.signal.aborted) return !['lost', 'stalled'].includes(slice.stop.signal.reason);
      return leaseUntil - clock.now() >= LEASE_MARGIN_SECONDS * 1_000 || renew();
    },
    changed: () => change,
    async end() {
      over.abort();
      await looping;
    },
  };
}
