// The safe profile: which forms, roots and functions the tree of an expression may hold, and what it mentions.

import { EXPRESSION_NODES } from '../limits.ts';
import { suggest } from '../parse/suggest.ts';
import { BANNED, FUNCTIONS, ROOTS } from './names.ts';
import { makeReferences, noteReference, type References } from './references.ts';

/** A node of JSONata's tree. Its published type is incomplete, so it is read as data. */
export interface SyntaxNode {
  type: string;
  [field: string]: unknown;
}

interface Findings {
  references: References;
  /** Literal regexes, to be compiled by an engine without backtracking. */
  regexes: RegExp[];
  /** Where numbers end that may have been rounded when they were read. */
  rounded: number[];
}

interface Walk extends Findings {
  /** Names that the expression binds itself. */
  locals: Set<string>;
  seen: Set<object>;
}

const FORMS: ReadonlySet<string> = new Set([
  ...[
    'path',
    'name',
    'variable',
    'string',
    'number',
    'value',
    'regex',
    'binary',
    'unary',
    'condition',
    'block',
    'bind',
  ],
  ...[
    'lambda',
    'function',
    'partial',
    'operator',
    'apply',
    'sort',
    'filter',
    'index',
    'wildcard',
    'descendant',
    'parent',
  ],
]);
// Fields whose expressions are evaluated for each item of a path: a bare name means a field of it.
const CONTEXT_FIELDS: ReadonlySet<string> = new Set(['predicate', 'stages', 'group', 'terms']);

/** Throws an Error with a plain message where the tree leaves the profile. */
export function checkTree(tree: SyntaxNode): Findings {
  const walk: Walk = { references: makeReferences(), regexes: [], rounded: [], locals: new Set(), seen: new Set() };
  collectLocals(tree, walk.locals, new Set());
  visit(tree, walk, false);
  const { references, regexes, rounded } = walk;
  return { references, regexes, rounded };
}

/** `hasContext`: within a path, a filter or a group, where a bare name means a field. */
function visit(node: SyntaxNode, walk: Walk, hasContext: boolean): void {
  if (walk.seen.has(node)) return;
  walk.seen.add(node);
  if (walk.seen.size > EXPRESSION_NODES) throw new Error(`an expression has at most ${EXPRESSION_NODES} parts`);
  if (!FORMS.has(node.type)) throw new Error(describeForm(node.type));
  if (node.type === 'regex') walk.regexes.push(node['value'] as RegExp);
  if (node.type === 'number' && isLarge(node['value'])) walk.rounded.push(Number(node['position']));
  if (node.type === 'path') visitPath(node, walk, hasContext);
  if (node.type === 'variable') visitVariable(String(node['value']), [], walk);
  visitParts(node, walk, hasContext);
}

function visitPath(node: SyntaxNode, walk: Walk, hasContext: boolean): void {
  const [first, second, third] = node['steps'] as [SyntaxNode, ...SyntaxNode[]];
  if (first.type === 'name' && !hasContext) throw new Error(describeBareName(String(first['value'])));
  if (first.type !== 'variable') return;
  // A filter on the root itself comes before the name, so the name does not belong to the root.
  const isDirect = first['predicate'] === undefined && first['stages'] === undefined;
  const names = isDirect && second?.type === 'name' ? [String(second['value'])] : [];
  if (names.length > 0 && third?.type === 'name') names.push(String(third['value']));
  visitVariable(String(first['value']), names, walk);
  walk.seen.add(first);
  visitParts(first, walk, hasContext);
}

function visitVariable(name: string, names: string[], { locals, references }: Walk): void {
  if (name === '' || name === '$' || locals.has(name) || FUNCTIONS.has(name)) return;
  const reason = BANNED.get(name);
  if (reason !== undefined) throw new Error(`$${name} cannot be used: ${reason}`);
  if (!isRoot(name)) throw new Error(`there is no $${name}${suggest(name, [...ROOTS, ...FUNCTIONS], '$')}`);
  const problem = noteReference(references, name, names);
  if (problem !== undefined) throw new Error(problem);
}

function visitParts(node: SyntaxNode, walk: Walk, hasContext: boolean): void {
  for (const [field, part] of Object.entries(node)) {
    for (const [index, child] of listChildren(part).entries()) {
      const isLaterStep = field === 'steps' && index > 0;
      visit(child, walk, hasContext || isLaterStep || CONTEXT_FIELDS.has(field));
    }
  }
}

/** Tree nodes within a field: sort terms and the pairs of an object are wrapped in plain lists and objects. */
function listChildren(part: unknown): SyntaxNode[] {
  if (typeof part !== 'object' || part === null || part instanceof RegExp) return [];
  if (Array.isArray(part)) return part.flatMap(listChildren);
  if (typeof (part as SyntaxNode).type === 'string') return [part as SyntaxNode];
  return Object.values(part).flatMap(listChildren);
}

/** Names that the expression binds itself: `:=`, parameters, `@$x` and `#$i`. */
function collectLocals(node: SyntaxNode, locals: Set<string>, seen: Set<object>): void {
  if (seen.has(node)) return;
  seen.add(node);
  for (const name of listBoundNames(node)) {
    if (typeof name === 'string') locals.add(refuseReserved(name));
  }
  for (const child of Object.values(node).flatMap(listChildren)) collectLocals(child, locals, seen);
}

function listBoundNames(node: SyntaxNode): unknown[] {
  if (node.type === 'bind') return [(node['lhs'] as SyntaxNode)['value']];
  if (node.type === 'lambda') return (node['arguments'] as SyntaxNode[]).map((argument) => argument['value']);
  return [node['focus'], node.type === 'index' ? node['value'] : node['index']];
}

function refuseReserved(name: string): string {
  if (isRoot(name) || FUNCTIONS.has(name) || BANNED.has(name)) {
    throw new Error(`$${name} is reserved and cannot be set`);
  }
  return name;
}

function isLarge(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function isRoot(name: string): boolean {
  return (ROOTS as readonly string[]).includes(name);
}

function describeBareName(name: string): string {
  return isRoot(name)
    ? `'${name}' needs its dollar sign: $${name}`
    : `'${name}' has no meaning here: a path begins with a root such as $inputs or $nodes`;
}

function describeForm(type: string): string {
  return type === 'transform'
    ? 'the transform |...| cannot be used: build the object with { } or $merge'
    : `'${type}' cannot be used`;
}
