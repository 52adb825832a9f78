// Every place of a node, or of the flow's outputs, where an expression is allowed, and what it may mention there.

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
  /** Why there is no `$item` and `$index` here, where an author would expect them. */
  noItem?: string;
  /** Evaluated inside the group, where its own nodes are visible. */
  inside?: boolean;
}

/** A `${{` without its `}}`. */
export interface BrokenSite {
  broken: true;
  path: Path;
}

type Found = Site | BrokenSite;

/** Whether `$item` and `$vars` exist in a place. */
export interface ExpressionContext {
  item: boolean;
  vars: boolean;
}

export function findTemplateSites(value: unknown, path: Path, locals: readonly LocalRoot[]): Found[] {
  if (typeof value === 'string') {
    const found = findExpressions(value);
    if (found === undefined) return [{ broken: true, path }];
    return [...new Set(found.map(({ source }) => source))].map((expression) => ({ expression, path, locals }));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => findTemplateSites(item, [...path, key], locals));
}

/** A field that holds a bare expression, with or without `${{ }}` around it. */
export function unwrapExpression(written: string | number | boolean): string {
  const text = String(written).trim();
  const [only, ...more] = findExpressions(text) ?? [];
  const isWrapped = text.startsWith('${{') && text.endsWith('}}') && only !== undefined && more.length === 0;
  return isWrapped ? only.source : text;
}

/** What a node's own fields see: `each` and `repeat` add to what its scope has. */
export function contextInside(node: NodeFields, outer: ExpressionContext): ExpressionContext {
  return { item: outer.item || node.each !== undefined, vars: outer.vars || node.repeat !== undefined };
}

const NO_ITEM = 'is of one item, and onError is about the whole node: write each: { onItemError: { output: … } }';

function readOutput(policy: string | { output: Json } | undefined): Json {
  return typeof policy === 'object' ? policy.output : null;
}

/** Sites of everything but `with`. */
export function findModifierSites(node: NodeFields, path: Path, outer: ExpressionContext): Found[] {
  const { repeat, each, onError } = node;
  const outerLocals = listLocals(outer);
  const eachLocals = listLocals({ item: outer.item || each !== undefined, vars: outer.vars });
  const inner: readonly LocalRoot[] = [...listLocals(contextInside(node, outer)), 'index', 'result'];
  const onItemError = typeof each === 'object' ? each.onItemError : undefined;
  const list = typeof each === 'object' ? each.in : each;
  const listPath = [...path, 'each', ...(typeof each === 'object' ? ['in'] : [])];
  return [
    ...findBareSite(node.when, [...path, 'when'], outerLocals),
    ...(list === undefined ? [] : findBareSite(writeList(list), listPath, outerLocals)),
    ...findTemplateSites(repeat?.vars, [...path, 'repeat', 'vars'], eachLocals),
    ...[
      ...findBareSite(repeat?.until, [...path, 'repeat', 'until'], inner),
      ...findTemplateSites(repeat?.next, [...path, 'repeat', 'next'], inner),
    ].map((found) => ({ ...found, inside: true })),
    ...findTemplateSites(node.output, [...path, 'output'], [...eachLocals, 'result']),
    ...findTemplateSites(readOutput(onItemError), [...path, 'each', 'onItemError', 'output'], [...eachLocals, 'error']),
    // About the node as a whole, whose items have ended.
    ...findTemplateSites(readOutput(onError), [...path, 'onError', 'output'], [...outerLocals, 'error']).map((found) =>
      each === undefined ? found : { ...found, noItem: NO_ITEM },
    ),
  ];
}

/** Sites of `with`, each field read as the kind declares it. (The `nodes` of a group are not part of it.) */
export function findWithSites(
  kind: AuthoredKind,
  written: Record<string, unknown>,
  at: { path: Path; context: ExpressionContext },
): Found[] {
  const raw = new Set(kind.rawFields ?? []);
  const locals: LocalRoot[] = [...listLocals(at.context), ...(kind.givesCallback ? (['callback'] as const) : [])];
  const bareFields = (kind.bareFields ?? []).map((field) => field.replaceAll('[]', '.*'));
  const leaves = Object.entries(written)
    .filter(([field]) => !raw.has(field))
    .flatMap(([field, value]) => listLeaves(value, [field]));
  return leaves.flatMap(({ text, path }) => {
    const allowed = isWithin(path, kind.secretFields ?? []) ? [...locals, 'secrets' as const] : locals;
    const isBare = bareFields.includes(path.map((step) => (/^\d+$/.test(step) ? '*' : step)).join('.'));
    const full = [...at.path, ...path];
    return isBare ? findBareSite(text, full, allowed) : findTemplateSites(text, full, allowed);
  });
}

function findBareSite(
  written: string | number | boolean | undefined,
  path: Path,
  locals: readonly LocalRoot[],
): Found[] {
  return written === undefined ? [] : [{ expression: unwrapExpression(written), path, locals }];
}

interface Leaf {
  text: string;
  path: string[];
}

function listLeaves(value: unknown, path: string[]): Leaf[] {
  if (typeof value === 'string') return [{ text: value, path }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => listLeaves(item, [...path, key]));
}

/** `request.headers` includes everything under it. */
function isWithin(path: string[], fields: readonly string[]): boolean {
  const text = `${path.join('.')}.`;
  return fields.some((field) => text.startsWith(`${field}.`));
}

function listLocals({ item, vars }: ExpressionContext): LocalRoot[] {
  return [...(item ? (['item', 'index'] as const) : []), ...(vars ? (['vars'] as const) : [])];
}

/** The text of `each.in`: a literal list is an expression, too. */
export function writeList(list: string | Json[]): string {
  return typeof list === 'string' ? unwrapExpression(list) : JSON.stringify(list);
}
