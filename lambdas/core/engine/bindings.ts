// What expressions see: the roots of a scope, without their `$`. Nothing of time or chance, so a resumed run sees the same.

import type { Json, JsonObject } from '../json.ts';
import type { NodeState, Scope, Slice } from './slice.ts';

export type Bindings = Record<string, Json>;

/** Bindings of a scope: of the scopes around it, overlaid with its own nodes. */
export function scopeBindings(slice: Slice, scope: Scope, states: ReadonlyMap<string, NodeState>): Bindings {
  const nodes: JsonObject = { ...(scope.outer['nodes'] as JsonObject) };
  const status: JsonObject = { ...(scope.outer['status'] as JsonObject) };
  const errors: JsonObject = { ...(scope.outer['errors'] as JsonObject) };
  for (const [id, state] of states) {
    nodes[id] = state.output;
    status[id] = state.status;
    errors[id] = state.error ? { code: state.error.code, message: state.error.message } : null;
  }
  return { ...scope.outer, ...runBindings(slice), nodes, status, errors };
}

function runBindings({ run, plan, inputs }: Slice): Bindings {
  return {
    inputs,
    env: plan.env,
    run: {
      id: run.id,
      flow: run.flow,
      version: run.version,
      env: run.env,
      user: run.user ?? null,
      startedAt: new Date(run.startedAt ?? run.createdAt).toISOString(),
    },
  };
}
