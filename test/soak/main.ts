// `npm run soak -- --minutes 10`: mixed load on a platform that is killed and restarted at random, and then a count of
// what was promised and what became of it. Ends with 1 when anything was lost, wrong, made twice or not delivered.

import { parseArgs } from 'node:util';
import { figure, type Line, percentile, render } from '../bench/report.ts';
import { callUntil } from './callers.ts';
import { startKillablePlatform } from './killable-platform.ts';
import { NAMES, readSource } from './kinds.ts';
import { type Findings, type Ledger, waitUntilQuiet } from './ledger.ts';
import { type ReceivedWebhook, startReceivers } from './receivers.ts';

// Leases, the retries of webhooks that hung, and open circuits; an hour would hide what is stuck.
const QUIET_WITHIN_MS = 10 * 60_000;
const SHOWN = 10;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes is '${values.minutes}'; it takes a number above 0`);

await using receivers = await startReceivers();
await using platform = await startKillablePlatform(Object.fromEntries(NAMES.map((name) => [name, readSource(name)])));

const ledger: Ledger = { accepted: [], otherRuns: [] };
const over = AbortSignal.timeout(minutes * 60_000);
await Promise.all([callUntil({ platform, receivers, ledger }, over), platform.killAtRandom(over)]);
const findings = await waitUntilQuiet({ platform, ledger, received: receivers.received }, QUIET_WITHIN_MS);

process.stdout.write(render(`${minutes} min of mixed load on a platform that is killed at random`, lines()));
const faults = [findings.lost, findings.wrong, findings.duplicates, findings.undelivered, ledger.otherRuns];
for (const fault of faults.flatMap((some) => some.slice(0, SHOWN))) process.stdout.write(`  ${fault}\n`);
const isSound = faults.every(({ length }) => length === 0);
if (isSound) await platform.removeState();
else process.stdout.write(`  Its state is kept in ${platform.stateDir}\n`);
await platform[Symbol.asyncDispose]();
process.exit(isSound ? 0 : 1);

function lines(): Line[] {
  const runs = [...findings.runs.values()];
  const ended = (status: string) => runs.filter((run) => run.status === status).length;
  const received = [...receivers.received.values()];
  const runMs = runs
    .filter(({ endedAt }) => endedAt)
    .map(({ createdAt, endedAt }) => Date.parse(endedAt) - Date.parse(createdAt));
  const deliveryMs = measureDeliveries(findings, receivers.received);
  return [
    figure('runs accepted', ledger.accepted.length, ''),
    figure('  succeeded', ended('succeeded'), ''),
    figure('  failed, as their flow says', ended('failed'), ''),
    figure('  canceled, as asked for', ended('canceled'), ''),
    none('lost', findings.lost),
    none('ended otherwise than their flow says', findings.wrong),
    none('accepted twice under one key', [...findings.duplicates, ...ledger.otherRuns]),
    figure('webhooks delivered', received.filter(({ accepted }) => accepted > 0).length, ''),
    none('webhooks not delivered', findings.undelivered),
    figure('webhooks delivered more than once', received.filter(({ accepted }) => accepted > 1).length, ''),
    none(
      'webhooks delivered under two ids',
      received.filter(({ ids }) => ids.size > 1).map(() => ''),
    ),
    figure('times the platform was killed and restarted', platform.restarts, ''),
    figure('calls that were made again', platform.repeated, ''),
    figure('from accept to end, p50', percentile(runMs, 0.5) / 1_000, 's'),
    figure('from accept to end, slowest', Math.max(0, ...runMs) / 1_000, 's'),
    figure('from end to delivery, p50', percentile(deliveryMs, 0.5) / 1_000, 's'),
    figure('from end to delivery, slowest', Math.max(0, ...deliveryMs) / 1_000, 's'),
    figure('quiet after the load', findings.quietAfterMs / 1_000, 's'),
  ];
}

function none(what: string, found: readonly string[]): Line {
  return { what, measured: String(found.length), goal: '0', isReached: found.length === 0 };
}

function measureDeliveries({ runs }: Findings, received: Map<string, ReceivedWebhook>): number[] {
  return [...received].flatMap(([name, { accepted, firstAtMs }]) => {
    const { endedAt } = runs.get(Number(name.split('/')[0])) ?? {};
    return accepted > 0 && endedAt ? [firstAtMs - Date.parse(endedAt)] : [];
  });
}
