// Signals reach the unit that their path names, however its numbers are written, or are refused and change nothing.

import { describe, expect, test } from 'vitest';
import { pinnedPlan, TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import { findNodeAt } from '../../lambdas/core/flow/node-at.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { drive, throughTime } from '../support/driver.ts';
import type { MemoryPlatform } from '../support/platform.ts';
import { accepted, set } from '../support/small-flows.ts';

const ASK = { type: 'callback', with: { message: 'Well?' } };
const PAGES = {
  pages: {
    type: 'group',
    each: { in: '["a", "b", "c"]', concurrency: 3, max: 500 },
    with: { nodes: { check: ASK, quick: set(1) }, output: '${{ $nodes.check }}' },
  },
};
const ROUNDS = {
  poll: {
    type: 'group',
    each: { in: '[1, 2]', concurrency: 2 },
    repeat: { vars: {}, next: {}, max: 4 },
    with: { nodes: { ask: ASK }, output: '${{ $nodes.ask }}' },
  },
};

const signal = ({ ports }: MemoryPlatform, runId: string, path: string) =>
  signalRun(ports, TOKEN_HOLDER, { runId, path, payload: { v: path } });

const slice = ({ ports, clock }: MemoryPlatform, runId: string) =>
  throughTime(clock, workRun(ports, { runId, budgetUntil: clock.now() + 90_000 }));

/** A run that waits as far as it can. */
async function waiting(nodes: object, outputs: object = {}) {
  const begun = await accepted(nodes, outputs);
  await slice(begun.platform, begun.run.id);
  return begun;
}

describe('a signal to an item', () => {
  test.each(['pages[2].check', 'pages[00002].check', 'pages[002].check'])('is one signal by %s', async (path) => {
    const { platform, run, readRecord } = await waiting(PAGES);
    await signal(platform, run.id, path);
    await slice(platform, run.id);
    expect(readRecord('pages[00002].check')).toMatchObject({ status: 'succeeded', output: { v: path } });
    await expect(signal(platform, run.id, 'pages[2].check')).rejects.toMatchObject({ code: 'signal-already-given' });
  });

  test.each([
    ['pages.check', "write it as 'pages[00000].check'"],
    ['pages[1][2].check', "write it as 'pages[00001].check'"],
    ['pages[1].check[0]', "'check' runs once and has no number: write it as 'pages[00001].check'"],
    ['pages[00777].check', "'pages' has at most 500 items"],
    ['pages[3].check', "'pages' has 3 items"],
    ['pages[1].chek', "no node 'chek' in 'pages[00001]'"],
    ['page[1].check', "no node 'page[1]'"],
    ['pages[1]', 'takes no signal'],
    ['pages[1].quick', 'takes no signal'],
    ['pages[-1].check', "no node 'pages[-1]'"],
    ['pages[1].', "no node ''"],
    ['', "no node ''"],
  ])('is refused as %o: %s', async (path, message) => {
    const { platform, run } = await waiting(PAGES);
    await expect(signal(platform, run.id, path)).rejects.toMatchObject({
      code: 'signal-not-awaited',
      message: expect.stringContaining(message),
    });
    expect((await platform.runs.get(run.id))?.signals).toBe(0);
  });

  test('that comes before its list is known is kept where the plan allows the item', async () => {
    const { platform, run } = await accepted(PAGES);
    await signal(platform, run.id, 'pages[1].check');
    await expect(signal(platform, run.id, 'pages[500].check')).rejects.toMatchObject({ code: 'signal-not-awaited' });
    await slice(platform, run.id);
    expect(platform.runs.runs.get(run.id)?.records.get('pages[00001].check')?.status).toBe('succeeded');
  });

  test('in a round of a group names both numbers', async () => {
    const { platform, run, readRecord } = await waiting(ROUNDS);
    await expect(signal(platform, run.id, 'poll[1].ask')).rejects.toThrow("write it as 'poll[00001][00000].ask'");
    await expect(signal(platform, run.id, 'poll[1][4].ask')).rejects.toThrow("'poll' has at most 4 rounds");
    await signal(platform, run.id, 'poll[1][0].ask');
    await slice(platform, run.id);
    expect(readRecord('poll[00001][00000].ask')?.status).toBe('succeeded');
    expect(readRecord('poll[00001][00001].ask')?.status).toBe('waiting');
    const { nodes } = await pinnedPlan(platform.ports, run);
    expect(findNodeAt(nodes, 'poll[00001][00001].ask')?.type).toBe('callback');
  });
});

test('a unit that has ended without a signal takes none any more, nor does anything inside what has ended', async () => {
  const nodes = {
    quick: { ...ASK, timeout: '1s', onError: 'continue' },
    around: { type: 'group', with: { nodes: { never: { ...ASK, when: 'false' } }, output: 'x' } },
    later: ASK,
  };
  const { platform, run, readRecord } = await accepted(nodes);
  await slice(platform, run.id);
  platform.clock.advance(2_000);
  await slice(platform, run.id);
  expect(readRecord('quick')?.status).toBe('failed');
  await expect(signal(platform, run.id, 'quick')).rejects.toThrow("'quick' has ended already");
  await expect(signal(platform, run.id, 'around.never')).rejects.toThrow("'around' has ended already");
  await signal(platform, run.id, 'later');
  expect((await drive(platform, run.id)).run.status).toBe('succeeded');
});

test('nobody ends a wait for a time: the signal is refused, and one that is stored does nothing', async () => {
  const { platform, run, readRecord } = await waiting({ hour: { type: 'wait', with: { for: '1h' } } });
  await expect(signal(platform, run.id, 'hour')).rejects.toThrow("Node 'hour' takes no signal");
  const now = platform.clock.now();
  await platform.runs.signal(run.id, { path: 'hour', payload: {}, at: now }, now + 30_000);
  await slice(platform, run.id);
  expect(readRecord('hour')?.status).toBe('waiting');
});

test('a node that runs another flow takes no signal', async () => {
  const { platform, run } = await accepted({ sub: { type: 'flow', with: { name: 'other' } } });
  await expect(signal(platform, run.id, 'sub')).rejects.toThrow("Node 'sub' takes no signal");
});
