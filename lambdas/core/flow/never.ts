// Nodes that nothing can reach: their `needs` name branches of which never all, or never any, are taken in one run.

import type { Edges } from './edges.ts';
import type { Need } from './plan.ts';
import type { Problems } from './problems.ts';
import type { Draft, Scope } from './scope.ts';

const ERROR = 'error';

export function warnOfUnreached(problems: Problems, scope: Scope, edges: ReadonlyMap<string, Edges>): void {
  const never = new Set<string>();
  const reasons = new Map<Draft, string>();
  // A node that needs one of those is one of them: until no more are found.
  for (let size = -1; size < never.size; ) {
    size = never.size;
    for (const draft of scope.drafts.values()) {
      const reason = never.has(draft.id) ? undefined : findReason(draft, edges.get(draft.id)?.needs ?? [], never);
      if (reason === undefined) continue;
      never.add(draft.id);
      reasons.set(draft, reason);
    }
  }
  for (const [{ id, path }, reason] of reasons) problems.warning(path, `node '${id}' is never reached: ${reason}`);
}

function findReason({ fields, kind }: Draft, needs: readonly Need[], never: ReadonlySet<string>): string | undefined {
  const join = fields.join ?? kind.join ?? 'all';
  const lost = needs.filter(({ node }) => never.has(node));
  if (join === 'any') {
    return needs.length > 0 && lost.length === needs.length ? 'nothing that it needs is reached' : undefined;
  }
  if (join !== 'all') return undefined;
  const [first] = lost;
  if (first !== undefined) return `'${first.node}', which it needs, is not`;
  const pair = findContradiction(needs);
  return pair && `it needs both ${pair[0]} and ${pair[1]}, and a run takes one of them: write join: any`;
}

/** A node takes one of its branches; whoever needs it without a branch needs it to succeed. */
function findContradiction(needs: readonly Need[]): [string, string] | undefined {
  for (const one of needs) {
    const other = needs.find(({ node, port }) => node === one.node && excludes(one.port, port));
    if (other !== undefined) return [write(one), write(other)];
  }
  return undefined;
}

function excludes(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return [one, other].includes(ERROR);
  return one !== other;
}

const write = ({ node, port }: Need): string => (port === undefined ? node : `${node}:${port}`);
