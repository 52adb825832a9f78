// Which version label a new plan gets: what callers see of it decides. Loaded when a flow is published.

import type { InputSpec, OutputSpec, Plan } from './plan.ts';
import { parseVersion } from './versions.ts';

export type Change = 'major' | 'minor' | 'patch';

const FIRST = '1.0.0';

/** The label of `plan` when `before` is the newest version: what callers see of it decides. */
export function nextVersion(before: { version: string; plan: Plan } | undefined, plan: Plan): string {
  if (before === undefined) return FIRST;
  const [major, minor, patch] = parseVersion(before.version);
  switch (classifyChange(before.plan, plan)) {
    case 'major':
      return `${major + 1}.0.0`;
    case 'minor':
      return `${major}.${minor + 1}.0`;
    case 'patch':
      return `${major}.${minor}.${patch + 1}`;
  }
}

/** major: a call that worked may fail, or an output that was read is gone. minor: there is more than before. */
export function classifyChange(before: Plan, after: Plan): Change {
  const changes = [...inputChanges(before.inputs, after.inputs), ...outputChanges(before.outputs, after.outputs)];
  if (changes.includes('major')) return 'major';
  return changes.includes('minor') ? 'minor' : 'patch';
}

function inputChanges(before: Record<string, InputSpec>, after: Record<string, InputSpec>): Change[] {
  const kept = Object.entries(before).map(([name, spec]) => {
    const now = after[name];
    return now === undefined ? 'major' : inputChange(spec, now);
  });
  const added = Object.entries(after)
    .filter(([name]) => before[name] === undefined)
    .map(([, spec]): Change => (isDemanded(spec) ? 'major' : 'minor'));
  return [...kept, ...added];
}

function inputChange(before: InputSpec, after: InputSpec): Change {
  const changes = [
    typeChange(before, after),
    flagChange(isDemanded(before), isDemanded(after)),
    ...(['minLength', 'min'] as const).map((limit) => limitChange(before[limit], after[limit], -1)),
    ...(['maxLength', 'max', 'maxFiles', 'maxSizeBytes'] as const).map((limit) =>
      limitChange(before[limit], after[limit], 1),
    ),
    ...(['options', 'accept', 'alias'] as const).map((field) => setChange(field, before, after)),
    ...(['pattern', 'schema'] as const).map((field) => shapeChange(before[field], after[field])),
  ];
  if (changes.includes('major')) return 'major';
  return changes.includes('minor') ? 'minor' : 'patch';
}

// A type may become one that takes everything the old one took.
const WIDER: Partial<Record<InputSpec['type'], InputSpec['type'][]>> = {
  string: ['text'],
  text: ['string'],
  integer: ['number'],
};

function typeChange({ type: before }: InputSpec, { type: after }: InputSpec): Change {
  if (before === after) return 'patch';
  return WIDER[before]?.includes(after) ? 'minor' : 'major';
}

function flagChange(before: boolean, after: boolean): Change {
  if (before === after) return 'patch';
  return after ? 'major' : 'minor';
}

/** `outward` is 1 for an upper limit and -1 for a lower one. */
function limitChange(before: number | undefined, after: number | undefined, outward: 1 | -1): Change {
  if (before === after) return 'patch';
  if (after === undefined) return 'minor';
  if (before === undefined) return 'major';
  return (after - before) * outward > 0 ? 'minor' : 'major';
}

function setChange(field: 'options' | 'accept' | 'alias', before: InputSpec, after: InputSpec): Change {
  // Without aliases there are no other names; without options and accepted types there is no restriction.
  if (field !== 'alias' && before[field] === undefined) return after[field] === undefined ? 'patch' : 'major';
  if (field !== 'alias' && after[field] === undefined) return 'minor';
  const [old, now] = [before[field] ?? [], after[field] ?? []] as [unknown[], unknown[]];
  if (old.some((item) => !now.includes(item))) return 'major';
  return now.length > old.length ? 'minor' : 'patch';
}

/** Patterns and schemas are not compared: a new one may be narrower. */
function shapeChange(before: unknown, after: unknown): Change {
  if (JSON.stringify(before) === JSON.stringify(after)) return 'patch';
  return after === undefined ? 'minor' : 'major';
}

function isDemanded({ required, default: fallback }: InputSpec): boolean {
  return required === true && fallback === undefined;
}

function outputChanges(before: Plan['outputs'], after: Plan['outputs']): Change[] {
  const [old, now] = [readNamedOutputs(before), readNamedOutputs(after)];
  // One expression yields the whole object: its fields are not known.
  if (old === undefined || now === undefined) return [old === now ? 'patch' : 'major'];
  const kept = Object.entries(old).map(([name, { type }]): Change => {
    const spec = now[name];
    return spec === undefined || (type !== undefined && spec.type !== type) ? 'major' : 'patch';
  });
  const added = Object.keys(now).filter((name) => old[name] === undefined);
  return [...kept, ...added.map((): Change => 'minor')];
}

function readNamedOutputs(outputs: Plan['outputs']): Record<string, OutputSpec> | undefined {
  return typeof outputs['expression'] === 'string' ? undefined : (outputs as Record<string, OutputSpec>);
}
