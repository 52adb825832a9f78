// `npm run model` explores the record protocol of docs/decisions/0012 in every scenario and every broken variant. It fails
// if the protocol breaks an invariant or a broken variant is not caught. Options: `-- --bounded` leaves the large scenarios
// out, `-- --trace` shows how each variant fails, further words choose by name.

import { parseArgs } from 'node:util';
import { BROKEN_VARIANTS, type BrokenVariant } from './broken-variants.ts';
import { LARGE_SCENARIOS, SCENARIOS, type ScenarioName } from './scenarios.ts';
import { type Exploration, explore } from './search.ts';

const { values, positionals } = parseArgs({
  options: { bounded: { type: 'boolean', default: false }, trace: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function sayRow(name: string, numbers: [string, string], result: string): void {
  const [states, seconds] = numbers;
  say(`${name.padEnd(46)} ${states.padStart(9)} ${seconds.padStart(8)}  ${result}`);
}

function sayTrace({ violation }: Exploration): void {
  for (const step of violation?.trace ?? []) say(`    ${step}`);
}

function exploreTimed(explore: () => Exploration): { exploration: Exploration; numbers: [string, string] } {
  const startedAt = performance.now();
  const exploration = explore();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { exploration, numbers: [exploration.states.toLocaleString('en'), seconds.toFixed(1)] };
}

function checkScenario(name: ScenarioName): boolean {
  const { exploration, numbers } = exploreTimed(() => explore(SCENARIOS[name]));
  const { violation, statesAtRest } = exploration;
  sayRow(
    name,
    numbers,
    violation === undefined ? `held, at rest in ${statesAtRest}` : `VIOLATED ${violation.invariant}`,
  );
  sayTrace(exploration);
  return violation === undefined;
}

function checkBrokenVariant(broken: BrokenVariant): boolean {
  const { exploration, numbers } = exploreTimed(() => explore(SCENARIOS[BROKEN_VARIANTS[broken]], broken));
  const { violation } = exploration;
  const result = violation && `violated after ${violation.trace.length} steps: ${violation.invariant}`;
  sayRow(`broken: ${broken}`, numbers, result ?? 'NOT CAUGHT');
  if (values.trace) sayTrace(exploration);
  return violation !== undefined;
}

function chooseNames<Name extends string>(table: Record<Name, unknown>): Name[] {
  const names = Object.keys(table) as Name[];
  return names.filter((name) => positionals.length === 0 || positionals.some((wanted) => name.includes(wanted)));
}

const scenarios = chooseNames(SCENARIOS).filter((name) => !values.bounded || !LARGE_SCENARIOS.includes(name));
const variants = chooseNames(BROKEN_VARIANTS);
sayRow('scenario', ['states', 'seconds'], 'invariants');
const violated = scenarios.filter((name) => !checkScenario(name)).length;
const notCaught = variants.filter((name) => !checkBrokenVariant(name)).length;
say(`${scenarios.length} scenarios, ${violated} violated; ${variants.length} broken variants, ${notCaught} not caught`);
const hasTried = scenarios.length + variants.length > 0;
process.exitCode = hasTried && violated + notCaught === 0 ? 0 : 1;
