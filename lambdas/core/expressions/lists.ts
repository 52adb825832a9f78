// `[]` keeps a list. JSONata itself gives nothing where such an expression finds nothing, and a list of null for a null:
// recorded as a result, or counted, either would no longer be the empty list that the author asked for.

import type { SyntaxNode } from './check.ts';

/** Under this name the interpreter finds `asList`. The check of expressions refuses it to authors. */
export const KEEP_LIST = 'errandKeepList';

/** Nothing and null are no items, a single value is one. */
export function asList(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Makes a list of every part with `[]` that is a result: the whole expression, a branch of it, a field of an object. */
export function keepLists(tree: SyntaxNode): void {
  const seen = new Set<SyntaxNode>();
  visit(tree, true, seen);
}

function visit(node: SyntaxNode, isResult: boolean, seen: Set<SyntaxNode>): void {
  if (seen.has(node)) return;
  seen.add(node);
  const results = new Set(listResults(node, isResult));
  for (const part of Object.values(node).flatMap(listParts)) visit(part, results.has(part), seen);
  if (isResult && keepsList(node)) wrap(node);
}

/** Parts whose value is the value of the node, or of one of its fields. */
function listResults(node: SyntaxNode, isResult: boolean): unknown[] {
  if (node.type === 'unary' && node['value'] === '{') return (node['lhs'] as unknown[][]).map(([, value]) => value);
  if (!isResult) return [];
  if (node.type === 'block') return [(node['expressions'] as unknown[]).at(-1)];
  return node.type === 'condition' ? [node['then'], node['else']] : [];
}

function keepsList(node: SyntaxNode): boolean {
  // Grouped, it is an object.
  return (node['keepSingletonArray'] === true || node['keepArray'] === true) && node['group'] === undefined;
}

function wrap(node: SyntaxNode): void {
  const inner = { ...node };
  for (const field of Object.keys(node)) delete node[field];
  const procedure = { type: 'variable', value: KEEP_LIST };
  Object.assign(node, { type: 'function', value: '(', procedure, arguments: [inner] });
}

function listParts(part: unknown): SyntaxNode[] {
  if (typeof part !== 'object' || part === null || part instanceof RegExp) return [];
  if (Array.isArray(part)) return part.flatMap(listParts);
  if (typeof (part as SyntaxNode).type === 'string') return [part as SyntaxNode];
  return Object.values(part).flatMap(listParts);
}

/** Empties the list that JSONata makes of a null for `path[]`. A null that a filter has found stays. */
export function dropLoneNull(step: SyntaxNode, result: unknown): void {
  if (step['keepSingletonArray'] !== true || !Array.isArray(result) || !('sequence' in result)) return;
  if (result.length === 1 && result[0] === null && !hasFilter(step)) result.length = 0;
}

function hasFilter(path: SyntaxNode): boolean {
  const steps = (path['steps'] ?? []) as SyntaxNode[];
  return steps.some((step) => step['stages'] !== undefined || step['predicate'] !== undefined);
}
