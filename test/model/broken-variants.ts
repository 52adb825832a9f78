// The broken variants: the protocol without one of its rules, each in a scenario that must catch it. Where a rule is left
// out, the moves ask `world.isBroken('<name>')`.

import type { ScenarioName } from './scenarios.ts';

export const BROKEN_VARIANTS = {
  'settle without epoch fence': 'run: canceled',
  'outputs without epoch': 'run: canceled',
  'webhook before settle': 'run: canceled',
  'effect before the record it depends on': 'run: canceled',
  'claim of a live lease': 'run: canceled',
  'log number without condition': 'run: two effects',
  'no opening entry': 'run: canceled',
  'load ignores later epochs': 'run: canceled',
  'settle ends the due entry': 'deliveries: two webhooks',
  'sweeper forgets settled runs': 'deliveries: two webhooks',
  'attempt recorded without fence': 'deliveries: two webhooks',
  'slot given before settle': 'slots: one slot, two runs',
  'refused claim gives the slot': 'slots: a message twice',
  'sweeper waits for a free slot': 'slots: one slot, two runs',
  'sweeper promotes only the head': 'slots: three runs, one worker',
  'promote without condition': 'four runs, no faults, no sweeper',
  'sweeper trusts the queue': 'slots: one slot, two runs',
  'queue without recheck': 'four runs, no faults, no sweeper',
  'flag cleared without version': 'four runs, no faults, no sweeper',
  'slots by run alone': 'slots: one waits, no sweeper',
  'suspend ignores signals': 'run: waits for a signal',
  'signal counted before it is stored': 'run: waits for a signal',
} as const satisfies Record<string, ScenarioName>;

export type BrokenVariant = keyof typeof BROKEN_VARIANTS;
