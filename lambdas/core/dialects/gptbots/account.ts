// What a key opens, and what its runs cost.

import * as z from 'zod';
import { resolveVendorId } from '../../access/keys.ts';
import type { Run } from '../../run.ts';
import { isRunId } from '../../run-id.ts';
import { pageOfRuns } from '../../runs/paged-runs.ts';
import { json, route } from '../dialect.ts';
import { toCredits } from './render.ts';

const tag = 'GPTBots';
const MAX_RANGE_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_PAGE_SIZE = 100;

const creditsQuery = z
  .object({
    start_time: z.coerce.number().int().min(0),
    end_time: z.coerce.number().int().min(0),
    page: z.coerce.number().int().min(1).default(1),
    page_size: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(10),
    run_id: z.string().optional(),
  })
  .refine(({ start_time, end_time }) => start_time <= end_time && end_time - start_time <= MAX_RANGE_MS, {
    path: ['end_time'],
    message: 'must be after start_time, by at most 30 days',
  });

/** Our runs cost what their models cost; GPTBots' other services are not ours. */
function renderCredits(run: Run) {
  const total = toCredits(run);
  return {
    run_id: run.id,
    run_start_time: run.startedAt ?? run.createdAt,
    chat: total,
    anonymization: 0,
    asr: 0,
    tts: 0,
    rerank: 0,
    database_processing: 0,
    tool_call: 0,
    knowledge_doc_indexing: 0,
    question_tag: 0,
    total,
  };
}

const credits = route({
  id: 'gptbotsCredits',
  method: 'GET',
  path: '/v1/account/workflow/run/credits',
  access: 'run',
  tag,
  summary: 'List what runs cost, in credits',
  query: creditsQuery,
  answers: { 200: { description: 'A page of runs' } },
  errors: [],
  async handle({ caller, query: { start_time, end_time, page, page_size, run_id } }, ports) {
    const asked = {
      tenant: caller.tenant.id,
      dialect: 'gptbots' as const,
      from: start_time,
      to: end_time + 1,
      flow: caller.key.flow,
      q: run_id,
    };
    const isNone = run_id !== undefined && !isRunId(run_id);
    const none = { runs: [], total: 0 };
    const { runs, total } = isNone ? none : await pageOfRuns(ports, asked, { number: page, size: page_size });
    return json(200, { list: runs.map(renderCredits), total, page, page_size, start_time, end_time });
  },
});

const verify = route({
  id: 'gptbotsVerifyKey',
  method: 'GET',
  path: '/v1/api-key/verify',
  access: 'run',
  tag,
  summary: 'Tell what the key belongs to',
  answers: { 200: { description: 'The workflow of the key' } },
  errors: [],
  async handle({ caller }) {
    const { flow } = caller.key;
    return json(200, { entityType: 'WORKFLOW', entityId: flow === undefined ? null : resolveVendorId(caller, flow) });
  },
});

export const accountRoutes = [credits, verify];
