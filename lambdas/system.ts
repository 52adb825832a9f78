// Time and chance, as the core asks for them.

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Ids } from './core/ports/ports.ts';
import { makeRunId } from './core/run-id.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await sleep(Math.max(0, ms), undefined, signal ? { signal } : {});
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};

export const systemIds: Ids = {
  run: (now) => makeRunId(now, randomBytes(10)),
  token: (chars) => Array.from({ length: chars }, () => ALPHABET[randomInt(ALPHABET.length)]).join(''),
  random: () => Math.random(),
};
