// The actions of API 3.0, by the name that X-TC-Action gives.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { pinnedPlan, requireRecord, requireRun } from '../../../access/run-access.ts';
import { cancelRun } from '../../../api/cancel.ts';
import { submit } from '../../../api/submit.ts';
import { ApiError } from '../../../errors.ts';
import type { Ports } from '../../../ports/ports.ts';
import { pageOfRuns } from '../../../runs/paged-runs.ts';
import { loadRecords } from '../../../runs/reuse.ts';
import type { ApiRequest } from '../../dialect.ts';
import { resolveApplication } from '../application.ts';
import { readOffers } from '../input.ts';
import { isInside, renderNode, renderNodeDetail, readAppBizId, readNodeRunId, renderRun, renderRunDetail } from '../render.ts';

interface Acting {
  ports: Ports;
  caller: Caller;
  request: ApiRequest;
}

interface Action<Schema extends z.ZodType = z.ZodType> {
  schema: Schema;
  act(acting: Acting, asked: z.output<Schema>): Promise<object>;
}

const action = <Schema extends z.ZodType>(it: Action<Schema>): Action => it as unknown as Action;

const AppBizId = z.string().min(1).max(64);
const RunEnv = z.union([z.literal(0), z.literal(1)]);

const createRun = action({
  schema: z.object({
    AppBizId,
    RunEnv: RunEnv.optional(),
    Query: z.string().nullish(),
    CustomVariables: z.array(z.object({ Name: z.string().min(1), Value: z.string() })).nullish(),
    VisitorId: z.string().max(256).nullish(),
  }),
  async act({ ports, caller, request }, asked) {
    const { Query, VisitorId } = asked;
    const variables = asked.CustomVariables ?? [];
    const offers = readOffers(Query, Object.fromEntries(variables.map(({ Name, Value }) => [Name, Value])));
    const { run } = await submit(ports, caller, {
      flow: resolveApplication(caller, request, asked.AppBizId),
      inputs: {},
      offers,
      mode: 'async',
      dialect: 'tencent',
      echo: { appBizId: asked.AppBizId },
      ...(asked.RunEnv === 0 && { draft: true }),
      ...(VisitorId && { user: VisitorId }),
    });
    const { WorkflowRunId, CreateTime } = renderRun(run);
    return {
      AppBizId: asked.AppBizId,
      WorkflowRunId,
      RunEnv: asked.RunEnv ?? 1,
      Query: Query ?? '',
      CustomVariables: variables,
      CreateTime,
    };
  },
});

const describeRun = action({
  schema: z.object({
    AppBizId,
    WorkflowRunId: z.string(),
    SubWorkflowNodePath: z.string().nullish(),
    IncludeWorkflowGraph: z.boolean().nullish(),
  }),
  async act({ ports, caller }, asked) {
    const record = await requireRecord(ports, caller, asked.WorkflowRunId);
    requireApplication(readAppBizId(record.run), asked);
    const [plan, records] = await Promise.all([pinnedPlan(ports, record.run), loadRecords(ports, record.run)]);
    const container = asked.SubWorkflowNodePath ?? '';
    const shown = records.filter(({ path }) => isInside(path, container)).sort((a, b) => a.seq - b.seq);
    return {
      WorkflowRun: renderRunDetail(record, plan, asked.IncludeWorkflowGraph ?? false),
      NodeRuns: shown.map((node) => renderNode(record.run, plan, node)),
      SubWorkflowNodePath: container,
    };
  },
});

const listRuns = action({
  schema: z.object({
    AppBizId,
    PageSize: z.int().min(1).max(200),
    Page: z.int().min(1).nullish(),
    RunEnv: RunEnv.nullish(),
    Query: z.string().max(200).nullish(),
    LoginUin: z.string().nullish(),
    LoginSubAccountUin: z.string().nullish(),
  }),
  async act({ ports, caller, request }, asked) {
    const query = {
      tenant: caller.tenant.id,
      flow: resolveApplication(caller, request, asked.AppBizId),
      dialect: 'tencent' as const,
      ...(asked.RunEnv !== undefined && asked.RunEnv !== null && { env: ENVS[asked.RunEnv] }),
      ...(asked.Query && { q: asked.Query }),
    };
    const { runs, total } = await pageOfRuns(ports, query, { number: asked.Page ?? 1, size: asked.PageSize });
    return { Total: String(total), WorkflowRuns: runs.map(renderRun) };
  },
});

const ENVS = ['debug', 'published'] as const;

const stopRun = action({
  schema: z.object({ AppBizId, WorkflowRunId: z.string() }),
  async act({ ports, caller }, asked) {
    const run = await requireRun(ports, caller, asked.WorkflowRunId);
    requireApplication(readAppBizId(run), asked);
    await cancelRun(ports, caller.tenant.id, run.id);
    return {};
  },
});

const describeNode = action({
  schema: z.object({ AppBizId, NodeRunId: z.string() }),
  async act({ ports, caller }, asked) {
    const { runId, path } = readNodeRunId(asked.NodeRunId);
    const run = await requireRun(ports, caller, runId);
    requireApplication(readAppBizId(run), asked);
    const [plan, records] = await Promise.all([pinnedPlan(ports, run), loadRecords(ports, run)]);
    const record = records.find((it) => it.path === path);
    if (!record) throw new ApiError('not-found', `There is no node run '${asked.NodeRunId.slice(0, 200)}'`);
    return { NodeRun: renderNodeDetail(run, plan, record) };
  },
});

function requireApplication(ofRun: string, asked: { AppBizId: string }): void {
  if (ofRun !== asked.AppBizId) throw new ApiError('run-not-found', `Application ${asked.AppBizId} has no such run`);
}

export const ACTIONS: Record<string, Action> = {
  CreateWorkflowRun: createRun,
  DescribeWorkflowRun: describeRun,
  ListWorkflowRuns: listRuns,
  StopWorkflowRun: stopRun,
  DescribeNodeRun: describeNode,
};
