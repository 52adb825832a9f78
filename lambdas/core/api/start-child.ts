// A run that another run's `flow` node starts.

import { createHash } from 'node:crypto';
import { getTenant } from '../access/tenants.ts';
import { requireUnmoved } from '../catalog/plugins.ts';
import type { NewChild } from '../engine/children.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';
import { submit } from './submit.ts';

export async function startChild(ports: Ports, parent: Run, child: NewChild): Promise<string> {
  const tenant = await getTenant(ports, parent.tenant);
  await requireUnmoved(ports, parent, child.credentials);
  // Not the parent's key, but its name: its caller was allowed to run the parent, and the flows that it names with it.
  const key = { id: child.startedBy ?? 'flow-node', tenant: parent.tenant, dialect: 'native', createdAt: 0 } as const;
  const { run } = await submit(
    ports,
    { tenant, key: { ...key, scopes: ['run'] }, origin: parent.origin },
    {
      flow: child.flow,
      inputs: child.inputs,
      mode: 'async',
      dialect: 'native',
      ...(child.id !== undefined && { id: child.id }),
      idempotencyKey: childKey(parent, child),
      priority: parent.priority,
      // Not a duration, or a repeated request would be another one.
      notAfter: parent.deadlineAt,
      parent: { run: parent.id, path: child.path, depth: child.depth, awaited: child.awaited },
      plugins: child.credentials,
      ignoresOtherPlugins: true,
      version: child.version,
      user: parent.user,
    },
  );
  return run.id;
}

/** One run for each attempt of a unit. A hash, because a path may be longer than a key. */
function childKey({ id }: Run, { path, attempt }: NewChild): string {
  return `flow-node/${createHash('sha256')
    .update(JSON.stringify([id, path, attempt]))
    .digest('hex')}`;
}
