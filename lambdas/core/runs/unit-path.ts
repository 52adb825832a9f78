// From what a caller writes as the path of a unit to the unit: `pages[2].check` is `pages[00002].check`. Answers why there
// can be no such unit, by the plan and by what the records say of lists and of units that have ended.

import type { PlanNode } from '../flow/plan.ts';
import type { NodeRecord } from '../run.ts';

export interface UnitAddress {
  kind: 'unit';
  path: string;
  node: PlanNode;
}

export interface NoUnit {
  kind: 'none';
  message: string;
}

const PART = /^(\w+)((?:\[\d{1,9}\])*)$/;

const noUnit = (message: string): NoUnit => ({ kind: 'none', message });

/** How a number is written in a path, so that paths sort as numbers do. */
export const writeIndex = (index: number): string => `[${String(index).padStart(5, '0')}]`;

export function findUnit(nodes: readonly PlanNode[], text: string): UnitAddress | NoUnit {
  let inside: readonly PlanNode[] = nodes;
  let node: PlanNode | undefined;
  const parts = text.split('.');
  const path: string[] = [];
  const wrong: string[] = [];
  for (const [at, part] of parts.entries()) {
    const [, id = '', brackets = ''] = PART.exec(part) ?? [];
    node = inside.find((it) => it.id === id);
    if (!node) return noUnit(path.length === 0 ? `no node '${part}'` : `no node '${part}' in '${path.join('.')}'`);
    const written = [...brackets.matchAll(/\d+/g)].map(([digits]) => Number(digits));
    const numbered = listNumbered(node, at < parts.length - 1);
    path.push(id + numbered.map((_, n) => writeIndex(written[n] ?? 0)).join(''));
    if (written.length !== numbered.length) wrong.push(describeForm(id, numbered));
    const beyond = numbered.find(({ max }, n) => (written[n] ?? 0) >= max);
    if (beyond) return noUnit(`'${id}' has at most ${beyond.max} ${beyond.what}s, counted from 0`);
    inside = node.nodes ?? [];
  }
  if (wrong.length > 0) return noUnit(`${wrong.join(', ')}: write it as '${path.join('.')}'`);
  return node ? { kind: 'unit', path: path.join('.'), node } : noUnit(`no node '${text}'`);
}

interface Numbered {
  what: 'item' | 'round';
  max: number;
}

/** What the units of a node are numbered by; only what is inside a group has rounds. */
function listNumbered({ each, repeat }: PlanNode, isAround: boolean): Numbered[] {
  return [
    ...(each ? [{ what: 'item', max: each.max } as const] : []),
    ...(repeat && isAround ? [{ what: 'round', max: repeat.max } as const] : []),
  ];
}

function describeForm(id: string, numbered: Numbered[]): string {
  if (numbered.length === 0) return `'${id}' runs once and has no number`;
  return `'${id}' needs the number of its ${numbered.map(({ what }) => what).join(' and of its ')}`;
}

/** Why the unit takes nothing any more, or never will; undefined while it may. */
export function whyUnreachable(path: string, records: readonly NodeRecord[]): string | undefined {
  for (const record of records) {
    const isUnit = record.path === path;
    if (!isUnit && !isAround(record.path, path)) continue;
    if (record.status !== 'waiting') return `'${record.path}' has ended already`;
    const number = Number.parseInt(path.slice(record.path.length + 1), 10);
    if (record.items !== undefined && number >= record.items) {
      return `'${record.path}' has ${record.items} items, counted from 0`;
    }
  }
  return undefined;
}

/** `pages` and `pages[00002]` are around `pages[00002].check`. */
const isAround = (outer: string, path: string): boolean =>
  path.startsWith(outer) && (path[outer.length] === '[' || path[outer.length] === '.');
