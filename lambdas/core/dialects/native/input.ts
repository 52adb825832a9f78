// Requests of several native calls: starting runs, listing runs with filters, and following events.

import * as z from 'zod';
import type { Submission } from '../../api/submit.ts';
import { webhookSchema } from '../../deliver/targets.ts';
import { ApiError } from '../../errors.ts';
import { IDEMPOTENCY_KEY_CHARS, LIST_PAGE_DEFAULT, LIST_PAGE_MAX, MAX_WEBHOOKS } from '../../limits.ts';
import type { Ports } from '../../ports/ports.ts';
import type { RunQuery } from '../../ports/runs.ts';
import { DIALECTS, RUN_MODES, RUN_STATUSES } from '../../run.ts';
import { type ApiRequest, leaveToCore } from '../dialect.ts';
import { anyObject } from './render.ts';

export const runIdParams = z.object({ id: z.string().meta({ description: 'Id of the run' }) });
export const flowParams = z.object({ name: z.string().meta({ description: 'Name of the flow' }) });

export const page = {
  limit: z.coerce.number().int().min(1).max(LIST_PAGE_MAX).default(LIST_PAGE_DEFAULT),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`next` of the previous page' }),
};

const settings = {
  inputs: leaveToCore(anyObject).optional().meta({ description: "Values of the flow's inputs" }),
  version: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: '`1.0.1`, or `1.0` for the newest of these; without it the newest of all' }),
  draft: z.boolean().optional().meta({ description: 'Run the draft instead of a version (a debug run)' }),
  user: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'The user whom the run is for; a filter of the list' }),
  webhooks: leaveToCore(z.array(webhookSchema).max(MAX_WEBHOOKS))
    .optional()
    .meta({ description: 'Called when the run has ended, each independently' }),
  priority: leaveToCore(z.int().min(0).max(9)).optional().meta({ description: 'Of queued runs, 9 starts first' }),
  startAfter: leaveToCore(z.iso.datetime({ offset: true }))
    .optional()
    .meta({ description: 'Async: the run starts at this time or later; less than 24 h from now' }),
  timeout: leaveToCore(z.string()).optional().meta({
    description: 'From acceptance or `startAfter`, such as `90s` or `1h30m`; ends at most 24 h after acceptance',
  }),
  plugins: leaveToCore(anyObject).optional().meta({ description: "The user's credentials for plugins" }),
  metadata: leaveToCore(anyObject).optional().meta({ description: 'Kept with the run and returned with it' }),
};

export const asyncRunBody = z.strictObject(settings);
export const runBody = asyncRunBody.extend({
  mode: z.enum(RUN_MODES).default('sync').meta({
    description:
      '`sync` returns the run when it has ended, `stream` sends its events as server-sent events, `async` returns its id at once',
  }),
});

/** Without the fields that the request does not have. */
export function readSubmission(flow: string, body: z.output<typeof runBody>): Submission {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined);
  return { inputs: {}, ...Object.fromEntries(fields), mode: body.mode, flow, dialect: 'native' };
}

export function readIdempotencyKey({ headers }: ApiRequest): { idempotencyKey?: string } {
  const key = headers['idempotency-key'];
  if (key === undefined) return {};
  if (key.length > 0 && key.length <= IDEMPOTENCY_KEY_CHARS && /^[\x20-\x7e]+$/.test(key))
    return { idempotencyKey: key };
  const message = `must be 1 to ${IDEMPOTENCY_KEY_CHARS} visible ASCII characters`;
  throw new ApiError('invalid-request', `Idempotency-Key ${message}`, {
    details: [{ field: 'Idempotency-Key', message }],
  });
}

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

function readInputFilters(query: Record<string, unknown>): Record<string, string> {
  const named = Object.entries(query).filter(([name]) => name.startsWith(INPUT_PREFIX));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(INPUT_PREFIX.length), String(value)]));
}

/** The filters on inputs that the flow's newest version marks `searchable`: the store finds those by index. */
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
  const inputs = readInputFilters(query);
  const filter = {
    tenant: scope.tenant,
    flow: scope.flow,
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
  return {
    ...filter,
    ...(await findIndexed(ports, filter)),
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

/** The last event that a client has. When it reconnects it sends the header, which is newer than the query. */
export function readLastEventId({ headers }: ApiRequest, after: number): number {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return after;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  const message = 'must be the id of an event of this run';
  throw new ApiError('invalid-request', `Last-Event-ID ${message}`, {
    details: [{ field: 'Last-Event-ID', message }],
  });
}
