// The actions of API 3.0: one path, with the name of the action in the header X-TC-Action.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { pinnedPlan, requireRecord, requireRun } from '../../../access/run-access.ts';
import { cancelRun } from '../../../api/cancel.ts';
import { submit } from '../../../api/submit.ts';
import { ApiError } from '../../../errors.ts';
import type { Plan } from '../../../flow/plan.ts';
import { parseOrReject } from '../../../parse/parse-or-reject.ts';
import type { Ports } from '../../../ports/ports.ts';
import type { NodeRecord, Run } from '../../../run.ts';
import { pageOfRuns } from '../../../runs/paged-runs.ts';
import { loadRecords } from '../../../runs/reuse.ts';
import { type ApiRequest, json, route } from '../../dialect.ts';
import { JSON_HEADERS, TencentError } from '../errors.ts';
import { AppBizId, createRunSchema, RunEnv, readSubmission, resolveApplication } from '../input.ts';
import { findOpenNodes } from '../open-nodes.ts';
import {
  isInside,
  type NodeRun,
  readContainer,
  readNodeRunId,
  readPath,
  renderNode,
  renderNodeDetail,
  renderRun,
  renderRunDetail,
} from '../render.ts';

interface ActionCall {
  ports: Ports;
  caller: Caller;
  request: ApiRequest;
}

interface Action<Schema extends z.ZodType = z.ZodType> {
  schema: Schema;
  run(call: ActionCall, input: z.output<Schema>): Promise<object>;
}

const action = <Schema extends z.ZodType>(it: Action<Schema>): Action => it as unknown as Action;

const createRun = action({
  schema: createRunSchema,
  async run({ ports, caller, request }, input) {
    const { run } = await submit(ports, caller, readSubmission(caller, request, input));
    const { WorkflowRunId, CreateTime } = renderRun(run);
    return {
      AppBizId: input.AppBizId,
      WorkflowRunId,
      RunEnv: input.RunEnv ?? 1,
      Query: input.Query ?? '',
      CustomVariables: input.CustomVariables ?? [],
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
  async run(call, input) {
    const record = await requireRecord(call.ports, call.caller, input.WorkflowRunId);
    requireApplication(call, record.run, input);
    const { plan, records } = await loadNodes(call.ports, record.run);
    const path = input.SubWorkflowNodePath ?? '';
    const nodes = listNodeRuns(record.run, plan, { container: readPath(path), records });
    return {
      WorkflowRun: renderRunDetail(record, { plan, records, withGraph: input.IncludeWorkflowGraph ?? false }),
      NodeRuns: nodes.map((node) => renderNode(record.run, plan, node)),
      SubWorkflowNodePath: path,
    };
  },
});

async function loadNodes(ports: Ports, run: Run): Promise<{ plan: Plan; records: NodeRecord[] }> {
  const [plan, records] = await Promise.all([pinnedPlan(ports, run), loadRecords(ports, run)]);
  return { plan, records };
}

/** In the order in which they ended; then those that have not. */
function listNodeRuns(run: Run, plan: Plan, at: { container: string; records: NodeRecord[] }): NodeRun[] {
  const inside = at.records.filter(({ path }) => isInside(path, at.container));
  return [...inside.sort((a, b) => a.seq - b.seq), ...findOpenNodes(run, plan, at)];
}

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
  async run({ ports, caller, request }, input) {
    const query = {
      tenant: caller.tenant.id,
      flow: resolveApplication(caller, request, input.AppBizId),
      dialect: 'tencent' as const,
      ...(input.RunEnv !== undefined && input.RunEnv !== null && { env: ENVS[input.RunEnv] }),
      ...(input.Query && { q: input.Query }),
    };
    const { runs, total } = await pageOfRuns(ports, query, { number: input.Page ?? 1, size: input.PageSize });
    return { Total: total, WorkflowRuns: runs.map(renderRun) };
  },
});

const ENVS = ['debug', 'published'] as const;

const stopRun = action({
  schema: z.object({ AppBizId, WorkflowRunId: z.string() }),
  async run(call, input) {
    const { ports, caller } = call;
    const run = await requireRun(ports, caller, input.WorkflowRunId);
    requireApplication(call, run, input);
    await cancelRun(ports, caller, run.id);
    return {};
  },
});

const describeNode = action({
  schema: z.object({ AppBizId, NodeRunId: z.string() }),
  async run(call, input) {
    const { runId, path } = readNodeRunId(input.NodeRunId);
    const run = await requireRun(call.ports, call.caller, runId);
    requireApplication(call, run, input);
    const { plan, records } = await loadNodes(call.ports, run);
    const node = listNodeRuns(run, plan, { container: readContainer(path), records }).find((it) => it.path === path);
    if (!node) throw new ApiError('not-found', `There is no node run '${input.NodeRunId.slice(0, 200)}'`);
    return { NodeRun: renderNodeDetail(run, plan, node) };
  },
});

/** As in a list, an application has the runs of its flow, whatever has started them. */
function requireApplication({ caller, request }: ActionCall, run: Run, { AppBizId: id }: { AppBizId: string }): void {
  try {
    if (resolveApplication(caller, request, id) === run.flow) return;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  throw new ApiError('run-not-found', `Application ${id} has no such run`);
}

const ACTIONS: Record<string, Action> = {
  CreateWorkflowRun: createRun,
  DescribeWorkflowRun: describeRun,
  ListWorkflowRuns: listRuns,
  StopWorkflowRun: stopRun,
  DescribeNodeRun: describeNode,
};

const VERSION = '2023-11-30';

export const actionRoute = route({
  id: 'tencentAction',
  method: 'POST',
  path: '/',
  access: 'run',
  tag: 'Tencent Cloud',
  summary: 'Run the action that X-TC-Action names',
  headers: { 'X-TC-Action': Object.keys(ACTIONS).join(', '), 'X-TC-Version': VERSION },
  body: { kind: 'json', schema: z.looseObject({}), optional: true },
  answers: { 200: { description: 'The result or the error, inside `Response`' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const name = request.headers['x-tc-action'] ?? '';
    const found = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!found) {
      const known = Object.keys(ACTIONS).join(', ');
      throw new TencentError('not-found', 'InvalidAction', `X-TC-Action '${name.slice(0, 64)}' is not one of ${known}`);
    }
    if (request.headers['x-tc-version'] !== VERSION) {
      throw new TencentError('invalid-request', 'NoSuchVersion', `X-TC-Version must be ${VERSION}`);
    }
    const result = await found.run({ ports, caller, request }, parseOrReject(found.schema, body));
    return json(200, { Response: { ...result, RequestId: request.id } }, JSON_HEADERS);
  },
});
