// Reading runs: one in detail, and the log of all.

import * as z from 'zod';
import { boundFlow } from '../../../access/keys.ts';
import { requireRecord } from '../../../access/run-access.ts';
import type { RunStatus } from '../../../run.ts';
import { pageOfRuns } from '../../../runs/paged-runs.ts';
import { json, route } from '../../dialect.ts';
import { renderDetail, renderLog } from '../render.ts';

const tag = 'Dify';

const STATUSES = { succeeded: 'succeeded', failed: 'failed', stopped: 'canceled' } as const satisfies Record<
  string,
  RunStatus
>;

// A day is its first moment in UTC.
const instant = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date()], 'must be a time in ISO 8601');

const logsQuery = z.object({
  keyword: z.string().max(200).optional(),
  status: z.enum(['succeeded', 'failed', 'stopped']).optional(),
  created_at__before: instant.optional(),
  created_at__after: instant.optional(),
  created_by_end_user_session_id: z.string().optional(),
  created_by_account: z.string().optional(),
  page: z.coerce.number().int().min(1).max(99_999).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const logRoutes = [
  route({
    id: 'difyRunDetail',
    method: 'GET',
    path: '/v1/workflows/run/{workflow_run_id}',
    access: 'run',
    tag,
    summary: 'Read a run',
    params: z.object({ workflow_run_id: z.string() }),
    answers: { 200: { description: 'The run' } },
    errors: ['run-not-found'],
    async handle({ caller, params }, ports) {
      return json(200, renderDetail(await requireRecord(ports, caller, params.workflow_run_id), ports.clock.now()));
    },
  }),
  route({
    id: 'difyLogs',
    method: 'GET',
    path: '/v1/workflows/logs',
    access: 'run',
    tag,
    summary: 'List runs, newest first',
    query: logsQuery,
    answers: { 200: { description: 'A page of runs' } },
    errors: [],
    async handle({ caller, query: filters }, ports) {
      const { page, limit, keyword, status, created_at__before: before, created_at__after: after } = filters;
      const user = filters.created_by_end_user_session_id;
      const query = {
        tenant: caller.tenant.id,
        flow: boundFlow(caller),
        ...(status && { status: STATUSES[status] }),
        ...(keyword && { q: keyword }),
        ...(user && { user }),
        ...(before && { to: Date.parse(before) }),
        ...(after && { from: Date.parse(after) }),
      };
      const { runs, total } = await pageOfRuns(ports, query, { number: page, size: limit });
      const data = runs.map((run) => renderLog(run, ports.clock.now()));
      return json(200, { page, limit, total, has_more: page * limit < total, data });
    },
  }),
];
