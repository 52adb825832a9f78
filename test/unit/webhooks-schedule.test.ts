import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scheduleNextAttempt } from '../../lambdas/core/deliver/retry-schedule.ts';
import { WEBHOOK_SCHEDULE_SECONDS } from '../../lambdas/core/limits.ts';
import { readRetryAfter } from '../../lambdas/core/outbound/retry-after.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const HOURS = 60 * 60;

const made = fc.integer({ min: 1, max: WEBHOOK_SCHEDULE_SECONDS.length - 1 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const waitSeconds = (...[count, chance, retryAfter]: [number, number, number?]) =>
  ((scheduleNextAttempt(count, NOW, chance, retryAfter) ?? Number.NaN) - NOW) / 1_000;

describe('the schedule', () => {
  test('is that of the specification: 0 s, 2 s, 8 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h', () => {
    const waits = WEBHOOK_SCHEDULE_SECONDS.map((_, count) => waitSeconds(count, 0));
    expect(waits).toEqual([0, 2, 8, 30, 120, 600, HOURS, 3 * HOURS, 6 * HOURS, 12 * HOURS]);
  });

  test('never comes early, nor more than 10 % late', () => {
    fc.assert(
      fc.property(made, random, (count, chance) => {
        const scheduled = WEBHOOK_SCHEDULE_SECONDS[count] ?? Number.NaN;
        expect(waitSeconds(count, chance)).toBeGreaterThanOrEqual(scheduled);
        expect(waitSeconds(count, chance)).toBeLessThanOrEqual(scheduled * 1.1);
      }),
    );
  });

  test('waits longer from attempt to attempt, whatever the jitter', () => {
    fc.assert(
      fc.property(made, random, random, (count, one, two) => {
        fc.pre(count + 1 < WEBHOOK_SCHEDULE_SECONDS.length);
        expect(waitSeconds(count + 1, two)).toBeGreaterThan(waitSeconds(count, one));
      }),
    );
  });

  test('is used up after ten attempts, however long the receiver asks to wait', () => {
    expect(scheduleNextAttempt(10, NOW, 0)).toBeUndefined();
    expect(scheduleNextAttempt(10, NOW, 0, 5)).toBeUndefined();
  });

  test('waits as long as the receiver asks, but never shorter than it would', () => {
    expect(waitSeconds(1, 0, 60)).toBe(60);
    expect(waitSeconds(4, 0, 5)).toBe(120);
  });

  test('lets no receiver ask for more than six hours', () => {
    expect(waitSeconds(1, 0, 999_999_999)).toBe(6 * HOURS);
  });
});

describe('Retry-After', () => {
  test.each([
    ['120', 120],
    [' 7 ', 7],
    ['0', 0],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60],
    ['Friday, 02-Jan-26 03:05:05 GMT', 60],
    ['Fri Jan  2 03:05:05 2026 GMT', 60],
    ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
  ])('%j asks for %d seconds', (header, seconds) => {
    expect(readRetryAfter(header, NOW)).toBe(seconds);
  });

  test.each([
    undefined,
    '',
    '-1',
    '1.5',
    '1e3',
    'soon',
    'May',
    '99999999999999999999',
    '2026-01-02',
    'NaN',
    'Infinity',
  ])('%j asks for nothing', (header) => {
    expect(readRetryAfter(header, NOW)).toBeUndefined();
  });

  test('never throws and never asks for a time in the past', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const seconds = readRetryAfter(header, NOW);
        expect(seconds === undefined || (Number.isFinite(seconds) && seconds >= 0)).toBe(true);
      }),
    );
  });
});
