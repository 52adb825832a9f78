// `npm run simulate -- --seeds 500 --from 1` tries many seeds; `npm run simulate -- --seed 42` prints what happens in one.

import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';
import { makeSummary } from './summary.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function replay(seed: number): Promise<boolean> {
  const { complaints, hash, steps } = await simulate(seed, { print: say });
  say(`seed ${seed}: ${steps} steps, hash ${hash}`);
  for (const complaint of complaints) say(`BROKEN ${complaint}`);
  return complaints.length === 0;
}

async function trySeeds(from: number, seeds: number): Promise<boolean> {
  const summary = makeSummary();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const simulation = await simulate(seed);
    summary.add(simulation);
    for (const complaint of simulation.complaints) say(`seed ${seed} BROKEN ${complaint}`);
  }
  say(summary.text());
  return summary.failed() === 0;
}

const isGood = await (values.seed === undefined
  ? trySeeds(Number(values.from), Number(values.seeds))
  : replay(Number(values.seed)));
process.exit(isGood ? 0 : 1);
