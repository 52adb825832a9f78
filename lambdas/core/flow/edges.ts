// The edges of a scope: what each node needs, what it waits for, and that nothing waits for itself.

import { suggest } from '../parse/suggest.ts';
import type { Mentions } from './mentions.ts';
import type { Need } from './plan.ts';
import type { Problems } from './problems.ts';
import type { Draft, Scope } from './scope.ts';

export interface Edges {
  needs: Need[];
  waitsFor: string[];
}

const NEED = /^([A-Za-z_]\w*)(?::([A-Za-z_][\w-]*))?$/;
const ERROR = 'error';
const TIMEOUT = 'timeout';

/** `needs` as written or, without it, everything that the node mentions. */
export function findEdges(problems: Problems, scope: Scope, node: { draft: Draft; mentions: Mentions }): Edges {
  const { draft, mentions } = node;
  const mentioned = sortBySource(scope, [...mentions.own, ...mentions.errorsOnly]);
  const written = draft.fields.needs;
  if (written === undefined) {
    warnOfErrors(problems, node);
    return { needs: mentioned.map((id) => ({ node: id })), waitsFor: mentioned };
  }
  const needs = [written].flat().flatMap((text, index) => {
    const path = [...draft.path, 'needs', ...(Array.isArray(written) ? [index] : [])];
    const parsed = parseNeed(scope, text);
    if ('node' in parsed) return [parsed];
    problems.error(path, parsed.problem);
    return [];
  });
  return { needs, waitsFor: sortBySource(scope, [...needs.map((need) => need.node), ...mentioned]) };
}

/** Branches of a node that `needs` may name; undefined where its `with` could not be read. */
function listPorts({ kind, fields, with: source }: Draft): string[] | undefined {
  // A node that runs once per item has taken many branches, or none.
  if (fields.each) return [ERROR];
  if (source === undefined) return undefined;
  return [...(kind.ports?.(source) ?? []), ...(kind.waits?.(source) ? [TIMEOUT] : []), ERROR];
}

function parseNeed(scope: Scope, text: string): Need | { problem: string } {
  const [, node, port] = NEED.exec(text) ?? [];
  if (node === undefined) return { problem: `'${text}' is not valid in needs: write the id of a node, or id:branch` };
  if (!scope.ids.has(node)) return { problem: `unknown node '${node}'${suggest(node, scope.ids)}` };
  if (port === undefined) return { node };
  const draft = scope.drafts.get(node);
  const ports = draft && listPorts(draft);
  if (ports === undefined || ports.includes(port)) return { node, port };
  return { problem: `node '${node}' has no branch '${port}' (it has: ${ports.join(', ')})` };
}

/** Without `needs`, a node that only reads how another failed is skipped exactly when that one fails. */
function warnOfErrors(problems: Problems, { draft, mentions }: { draft: Draft; mentions: Mentions }): void {
  if (draft.kind.join === 'settled' || (draft.fields.join ?? 'all') !== 'all') return;
  for (const id of mentions.errorsOnly) {
    if (mentions.own.has(id)) continue;
    const advice = `write needs: ${id}:error, or join: settled`;
    problems.warning(
      draft.path,
      `node '${draft.id}' reads how '${id}' ended, but runs only if '${id}' succeeded: ${advice}`,
    );
  }
}

function sortBySource(scope: Scope, ids: readonly string[]): string[] {
  return [...scope.ids].filter((id) => ids.includes(id));
}

/** Reports each cycle once, by its nodes: a → b → a. */
export function checkCycles(problems: Problems, scope: Scope, edges: ReadonlyMap<string, Edges>): void {
  const settled = new Set<string>();
  for (const start of edges.keys()) {
    const cycle = findCycle(start, edges, settled);
    if (cycle === undefined) continue;
    const [first = start] = cycle;
    const message =
      cycle.length === 1
        ? `node '${first}' waits for itself`
        : `these nodes wait for each other: ${[...cycle, first].join(' → ')}`;
    problems.error([...scope.path, first], message, 'key');
  }
}

/** Depth-first, without recursion: a chain may be as long as a flow has nodes. */
function findCycle(start: string, edges: ReadonlyMap<string, Edges>, settled: Set<string>): string[] | undefined {
  const path: { id: string; next: number }[] = settled.has(start) ? [] : [{ id: start, next: 0 }];
  for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
    const target = edges.get(at.id)?.waitsFor[at.next];
    at.next += 1;
    const loop = path.findIndex(({ id }) => id === target);
    if (target === undefined) settled.add(path.pop()?.id ?? '');
    else if (loop >= 0) {
      const cycle = path.slice(loop).map(({ id }) => id);
      for (const { id } of path) settled.add(id);
      return cycle;
    } else if (!settled.has(target)) path.push({ id: target, next: 0 });
  }
  return undefined;
}
