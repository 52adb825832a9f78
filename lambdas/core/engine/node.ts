// One node of a graph: its `when`, then its `each` or the node itself.

import { ApiError } from '../errors.ts';
import { evaluate } from '../expressions/evaluate.ts';
import type { PlanNode } from '../flow/plan.ts';
import { failed } from '../nodes/node-kind.ts';
import { scopeBindings } from './bindings.ts';
import { conclude } from './conclude.ts';
import { runEach } from './each.ts';
import { isTrue, runOnce } from './group.ts';
import { isBranchTaken } from './readiness.ts';
import { endedState } from './record.ts';
import { type NodeState, type Scope, type Slice, STOPPED, type Unit, type UnitEnd } from './slice.ts';

const SKIPPED: UnitEnd = { kind: 'ended', state: { status: 'skipped', output: null } };

export async function runNode(
  slice: Slice,
  scope: Scope,
  at: { node: PlanNode; states: ReadonlyMap<string, NodeState>; signal: AbortSignal },
): Promise<UnitEnd> {
  const { node } = at;
  const unit: Unit = {
    node,
    path: `${scope.prefix}${node.id}`,
    bindings: scopeBindings(slice, scope, at.states),
    signal: at.signal,
    takes: (port) => isBranchTaken(scope.nodes, node.id, port),
  };
  const before = slice.records.get(unit.path);
  // Of an `each` only the items hold outputs: its own record is rebuilt from them.
  if (before && before.status !== 'waiting' && before.items === undefined) return ended(unit);
  return attempt(slice, unit, async () => {
    if (node.when !== undefined && !isTrue(await evaluate(node.when, unit.bindings))) return SKIPPED;
    return node.each ? runEach(slice, unit, node.each) : runOnce(slice, unit);
  });

  function ended({ path }: Unit): UnitEnd {
    const record = slice.records.get(path);
    return record ? { kind: 'ended', state: endedState(record, node) } : STOPPED;
  }
}

/** An expression of the node itself that fails ends the node, not the slice. */
async function attempt(slice: Slice, unit: Unit, run: () => Promise<UnitEnd>): Promise<UnitEnd> {
  const startedAt = slice.ports.clock.now();
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return conclude(slice, unit, { number: 1, startedAt }, failed(error.code, error.message));
  }
}
