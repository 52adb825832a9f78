// Every place of a node, or of the flow's outputs, where an expression may stand, and what it may mention there.

import { findExpressions } from '../expressions/template.ts';
import type { Json } from '../json.ts';
import type { AuthoredKind } from './authored-kind.ts';
import type { NodeFields } from './shapes.ts';
import type { Path } from './source.ts';

/** Roots that exist only in some places. */
export type LocalRoot =
  | 'item'
  | 'index'
  | 'vars'
  | 'result'
  | 'error'
  | 'callback'
  | 'secrets'
  | 'args'
  | 'credentials';

export interface Site {
  expression: string;
  path: Path;
  /** Local roots that may be mentioned. */
  locals: readonly LocalRoot[];
  /** Evaluated within the group, where its own nodes are in sight. */
  inside?: boolean;
}

/** A `${{` without its end. */
export interface BrokenSite {
  broken: true;
  path: Path;
}

type Found = Site | BrokenSite;

/** What of `$item` and `$vars` there is in a place. */
export interface Surroundings {
  item: boolean;
  vars: boolean;
}

export function templatesIn(value: unknown, path: Path, locals: readonly LocalRoot[]): Found[] {
  if (typeof value === 'string') {
    const found = findExpressions(value);
    if (found === undefined) return [{ broken: true, path }];
    return [...new Set(found.map(({ source }) => source))].map((expression) => ({ expression, path, locals }));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => templatesIn(item, [...path, key], locals));
}

/** A field that holds a bare expression, with or without `${{ }}` around it. */
export function bareText(written: string | number | boolean): string {
  const text = String(written).trim();
  const [only, ...more] = findExpressions(text) ?? [];
  const isWrapped = text.startsWith('${{') && text.endsWith('}}') && only !== undefined && more.length === 0;
  return isWrapped ? only.source : text;
}

/** What a node's own fields see: `each` and `repeat` add to what there is around it. */
export function scopeInside(node: NodeFields, around: Surroundings): Surroundings {
  return { item: around.item || node.each !== undefined, vars: around.vars || node.repeat !== undefined };
}

/** Sites of everything but `with`. */
export function sitesOfModifiers(node: NodeFields, path: Path, around: Surroundings): Found[] {
  const { repeat, each, onError } = node;
  const outer = localsOf(around);
  const eachLocals = localsOf({ item: around.item || each !== undefined, vars: around.vars });
  const inner: readonly LocalRoot[] = [...localsOf(scopeInside(node, around)), 'index', 'result'];
  const list = typeof each === 'object' ? each.in : each;
  const listPath = [...path, 'each', ...(typeof each === 'object' ? ['in'] : [])];
  return [
    ...bareSite(node.when, [...path, 'when'], outer),
    ...(list === undefined ? [] : bareSite(listText(list), listPath, outer)),
    ...templatesIn(repeat?.vars, [...path, 'repeat', 'vars'], eachLocals),
    ...[
      ...bareSite(repeat?.until, [...path, 'repeat', 'until'], inner),
      ...templatesIn(repeat?.next, [...path, 'repeat', 'next'], inner),
    ].map((found) => ({ ...found, inside: true })),
    ...templatesIn(node.output, [...path, 'output'], [...eachLocals, 'result']),
    ...templatesIn(
      typeof onError === 'object' ? onError.output : null,
      [...path, 'onError', 'output'],
      [...eachLocals, 'error'],
    ),
  ];
}

/** Sites of `with`, read as the kind wants each field. (The `nodes` of a group are not part of it.) */
export function sitesOfWith(
  kind: AuthoredKind,
  written: Record<string, unknown>,
  at: { path: Path; locals: Surroundings },
): Found[] {
  const raw = new Set(kind.rawFields ?? []);
  const locals: LocalRoot[] = [...localsOf(at.locals), ...(kind.givesCallback ? (['callback'] as const) : [])];
  const bareFields = (kind.bareFields ?? []).map((field) => field.replaceAll('[]', '.*'));
  const leaves = Object.entries(written)
    .filter(([field]) => !raw.has(field))
    .flatMap(([field, value]) => leavesOf(value, [field]));
  return leaves.flatMap(({ text, path }) => {
    const allowed = isWithin(path, kind.secretFields ?? []) ? [...locals, 'secrets' as const] : locals;
    const isBare = bareFields.includes(path.map((step) => (/^\d+$/.test(step) ? '*' : step)).join('.'));
    const full = [...at.path, ...path];
    return isBare ? bareSite(text, full, allowed) : templatesIn(text, full, allowed);
  });
}

function bareSite(written: string | number | boolean | undefined, path: Path, locals: readonly LocalRoot[]): Found[] {
  return written === undefined ? [] : [{ expression: bareText(written), path, locals }];
}

interface Leaf {
  text: string;
  path: string[];
}

function leavesOf(value: unknown, path: string[]): Leaf[] {
  if (typeof value === 'string') return [{ text: value, path }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

/** `request.headers` holds for everything beneath it. */
function isWithin(path: string[], fields: readonly string[]): boolean {
  const text = `${path.join('.')}.`;
  return fields.some((field) => text.startsWith(`${field}.`));
}

function localsOf({ item, vars }: Surroundings): LocalRoot[] {
  return [...(item ? (['item', 'index'] as const) : []), ...(vars ? (['vars'] as const) : [])];
}

/** The text of `each.in`: a list that is written out is an expression, too. */
export function listText(list: string | Json[]): string {
  return typeof list === 'string' ? bareText(list) : JSON.stringify(list);
}
