// The filters of the run list: what may be asked, and the query that it becomes.

import * as z from 'zod';
import type { Ports } from '../../ports/ports.ts';
import type { RunQuery } from '../../ports/runs.ts';
import { DIALECTS, RUN_MODES, RUN_STATUSES } from '../../run.ts';
import { page } from './render.ts';

const INPUT_PREFIX = 'input.';
const instant = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z' });

export const runFilters = z
  .object({
    flow: z.string().min(1).optional(),
    status: z.enum(RUN_STATUSES).optional(),
    mode: z.enum(RUN_MODES).optional(),
    env: z.enum(['published', 'debug']).optional(),
    dialect: z.enum(DIALECTS).optional(),
    user: z.string().min(1).optional(),
    from: instant.optional().meta({ description: 'Accepted at this time or later' }),
    to: instant.optional().meta({ description: 'Accepted before this time' }),
    q: z.string().min(1).max(200).optional().meta({ description: 'A run id, or text in input values' }),
    ...page,
  })
  .catchall(z.string())
  .superRefine((query, context) => {
    const known = new Set(Object.keys(runFilters.shape));
    const keys = Object.keys(query).filter((key) => !known.has(key) && !/^input\../.test(key));
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: query });
  });

function inputFilters(query: Record<string, unknown>): Record<string, string> {
  const named = Object.entries(query).filter(([name]) => name.startsWith(INPUT_PREFIX));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(INPUT_PREFIX.length), String(value)]));
}

/** Of the searched inputs those that the flow's newest version marks `searchable`: the store finds them by index. */
async function findIndexed(ports: Ports, { tenant, flow, inputs }: Pick<RunQuery, 'tenant' | 'flow' | 'inputs'>) {
  const latest = flow && inputs ? (await ports.flows.get(tenant, flow))?.latest : undefined;
  const plan = flow && latest && (await ports.flows.plan(tenant, flow, latest.digest));
  if (!plan) return {};
  const indexed = Object.entries(inputs ?? {}).filter(
    ([name]) => Object.hasOwn(plan.inputs, name) && plan.inputs[name]?.searchable,
  );
  return indexed.length > 0 ? { indexed: Object.fromEntries(indexed) } : {};
}

export async function readRunQuery(
  ports: Ports,
  scope: { tenant: string; flow: string | undefined },
  query: z.output<typeof runFilters>,
): Promise<RunQuery> {
  const { status, mode, env, dialect, user, q, from, to, limit, cursor } = query;
  const inputs = inputFilters(query);
  const narrowed = {
    tenant: scope.tenant,
    flow: scope.flow,
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
  return {
    ...narrowed,
    ...(await findIndexed(ports, narrowed)),
    limit,
    status,
    mode,
    env,
    dialect,
    user,
    q,
    cursor,
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
  };
}
