// `npm run soak -- --minutes 10`: mixed load on a platform that is killed and restarted at random, and then a count of
// what was promised and what became of it. Ends with 1 when anything was lost, wrong, made twice or not told.

import { parseArgs } from 'node:util';
import { type Line, percentile, render, told } from '../bench/report.ts';
import { callUntil } from './callers.ts';
import { NAMES, readSource } from './kinds.ts';
import { type Findings, findOut, type Ledger } from './ledger.ts';
import { startMortalPlatform } from './mortal-platform.ts';
import { type Heard, startReceivers } from './receivers.ts';

// Leases, the retries of webhooks that hung, and their rests; an hour would hide what is stuck.
const QUIET_WITHIN_MS = 10 * 60_000;
const SHOWN = 10;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes is '${values.minutes}'; it takes a number above 0`);

await using receivers = await startReceivers();
await using platform = await startMortalPlatform(Object.fromEntries(NAMES.map((name) => [name, readSource(name)])));

const ledger: Ledger = { accepted: [], strangers: [] };
const over = AbortSignal.timeout(minutes * 60_000);
await Promise.all([callUntil({ platform, receivers, ledger }, over), platform.plague(over)]);
const findings = await findOut({ platform, ledger, heard: receivers.heard }, QUIET_WITHIN_MS);

process.stdout.write(render(`${minutes} min of mixed load on a platform that is killed at random`, lines()));
const faults = [findings.lost, findings.wrong, findings.twins, findings.untold, ledger.strangers];
for (const fault of faults.flatMap((some) => some.slice(0, SHOWN))) process.stdout.write(`  ${fault}\n`);
const isSound = faults.every(({ length }) => length === 0);
if (isSound) await platform.forget();
else process.stdout.write(`  Its state is kept in ${platform.stateDir}\n`);
await platform[Symbol.asyncDispose]();
process.exit(isSound ? 0 : 1);

function lines(): Line[] {
  const runs = [...findings.runs.values()];
  const ended = (status: string) => runs.filter((run) => run.status === status).length;
  const heard = [...receivers.heard.values()];
  const runMs = runs
    .filter(({ endedAt }) => endedAt)
    .map(({ createdAt, endedAt }) => Date.parse(endedAt) - Date.parse(createdAt));
  const tellMs = tellTimes(findings, receivers.heard);
  return [
    told('runs accepted', ledger.accepted.length, ''),
    told('  succeeded', ended('succeeded'), ''),
    told('  failed, as their flow says', ended('failed'), ''),
    told('  canceled, as asked for', ended('canceled'), ''),
    none('lost', findings.lost),
    none('ended otherwise than their flow says', findings.wrong),
    none('accepted twice under one key', [...findings.twins, ...ledger.strangers]),
    told('webhooks told', heard.filter(({ taken }) => taken > 0).length, ''),
    none('webhooks not told', findings.untold),
    told('webhooks told more than once', heard.filter(({ taken }) => taken > 1).length, ''),
    none(
      'webhooks told under two ids',
      heard.filter(({ ids }) => ids.size > 1).map(() => ''),
    ),
    told('times the platform was killed and restarted', platform.restarts, ''),
    told('calls that were made again', platform.repeated, ''),
    told('from accept to end, p50', percentile(runMs, 0.5) / 1_000, 's'),
    told('from accept to end, slowest', Math.max(0, ...runMs) / 1_000, 's'),
    told('from end to told, p50', percentile(tellMs, 0.5) / 1_000, 's'),
    told('from end to told, slowest', Math.max(0, ...tellMs) / 1_000, 's'),
    told('quiet after the load', findings.quietAfterMs / 1_000, 's'),
  ];
}

function none(what: string, found: readonly string[]): Line {
  return { what, measured: String(found.length), goal: '0', isReached: found.length === 0 };
}

function tellTimes({ runs }: Findings, heard: Map<string, Heard>): number[] {
  return [...heard].flatMap(([name, { taken, firstAtMs }]) => {
    const { endedAt } = runs.get(Number(name.split('/')[0])) ?? {};
    return taken > 0 && endedAt ? [firstAtMs - Date.parse(endedAt)] : [];
  });
}
