// How fast the local platform takes asynchronous runs, ends them and delivers their webhooks.

import { submitAsync, times } from '../drive.ts';
import { startPlatform } from '../platform.ts';
import { figure, type Line, percentile } from '../report.ts';

const RUNS = 500;
const WIDTH = 32;
// Environments start, and load what they need, with the first runs; so they would on AWS.
const WARM_UP = 64;

export async function async(): Promise<Line[]> {
  await using platform = await startPlatform();
  const run = async (name: string) => {
    const { acceptedMs, delivered: end } = await submitAsync(platform, name);
    return { acceptedMs, end };
  };
  const warm = await times({ count: WARM_UP, width: WIDTH }, (index) => run(`warm-${index}`));
  await Promise.all(warm.map(({ end }) => end));

  const startedMs = performance.now();
  const startedAt = Date.now();
  const accepted = await times({ count: RUNS, width: WIDTH }, (index) => run(`run-${index}`));
  const acceptSeconds = (Math.max(...accepted.map(({ acceptedMs }) => acceptedMs)) - startedMs) / 1_000;
  const ends = await Promise.all(accepted.map(({ end }) => end));
  const settleSeconds = (Math.max(...ends.map(({ endedAt }) => endedAt)) - startedAt) / 1_000;
  const deliverSeconds = (Math.max(...ends.map(({ lastMs }) => lastMs)) - startedMs) / 1_000;
  const firstMs = accepted.map(({ acceptedMs }, index) => (ends[index]?.firstMs ?? 0) - acceptedMs);
  const lastMs = accepted.map(({ acceptedMs }, index) => (ends[index]?.lastMs ?? 0) - acceptedMs);
  return [
    figure('accepted', RUNS / acceptSeconds, 'runs/s'),
    figure('settled', RUNS / settleSeconds, 'runs/s'),
    figure('both webhooks delivered', RUNS / deliverSeconds, 'runs/s'),
    figure('from accept to first webhook, p50', percentile(firstMs, 0.5), 'ms'),
    figure('from accept to first webhook, p99', percentile(firstMs, 0.99), 'ms'),
    figure('from accept to last webhook, p50', percentile(lastMs, 0.5), 'ms'),
    figure('from accept to last webhook, p99', percentile(lastMs, 0.99), 'ms'),
  ];
}
