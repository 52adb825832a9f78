// Runs and nodes as Tencent's clients read them: states are numbers, times are milliseconds in a string, objects are JSON
// in a string.

import * as z from 'zod';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { JsonObject } from '../../json.ts';
import type { NodeRecord, Run, RunRecord, RunStatus } from '../../run.ts';
import { renderOutputText } from '../output-text.ts';

const STATES = { pending: 0, running: 1, waiting: 1, succeeded: 2, failed: 3, canceled: 4 } as const satisfies Record<
  RunStatus,
  number
>;

/** https://cloud.tencent.com/document/api/1759 (NodeType). Kinds that Tencent does not have are shown as tools (8). */
const NODE_TYPES: Record<string, number> = {
  extract: 6,
  llm: 3,
  retrieve: 5,
  code: 7,
  switch: 9,
  reply: 10,
  question: 11,
  classify: 13,
  flow: 14,
  tool: 15,
  fail: 16,
  first: 17,
  set: 21,
  template: 22,
};
const TOOL = 8;
const LOOP = 12;
const BATCH = 18;

const echoSchema = z.object({ appBizId: z.string() });

const renderTime = (ms: number | undefined): string => (ms === undefined ? '' : String(ms));

export const renderRunEnv = ({ env }: Run): number => (env === 'debug' ? 0 : 1);
export const readAppBizId = ({ echo, flow }: Run): string => echoSchema.safeParse(echo).data?.appBizId ?? flow;

export function renderRun(run: Run) {
  return {
    RunEnv: renderRunEnv(run),
    AppBizId: readAppBizId(run),
    WorkflowRunId: run.id,
    WorkflowId: run.flow,
    Name: run.flow,
    State: STATES[run.status],
    FailMessage: run.error?.message ?? '',
    TotalTokens: run.usage.totalTokens,
    CreateTime: renderTime(run.createdAt),
    StartTime: renderTime(run.startedAt),
    EndTime: renderTime(run.endedAt),
  };
}

interface RunRequest {
  Query: string;
  CustomVariables: { Name: string; Value: string }[];
}

/** The request of a run, read back from its inputs: the request itself is not stored. */
function renderRequest(inputs: JsonObject, queryInput: string | undefined): RunRequest {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const variables = Object.entries(inputs).filter(([name]) => name !== queryInput);
  return {
    Query: queryInput === undefined ? '' : text(inputs[queryInput] ?? ''),
    CustomVariables: variables.map(([Name, value]) => ({ Name, Value: text(value) })),
  };
}

export function renderRunDetail({ run, inputs, outputs }: RunRecord, plan: Plan, withGraph: boolean) {
  return {
    ...renderRun(run),
    ...renderRequest(inputs, findQueryInput(plan)),
    Output: run.status === 'succeeded' ? renderOutputText(outputs) : '',
    MainModelName: '',
    LatestMessage: '',
    WorkflowGraph: withGraph ? JSON.stringify(plan) : '',
  };
}

export const QUERY_NAMES = ['_sys_origin_query', 'rawQuery', 'query', 'Query'] as const;

function findQueryInput({ inputs }: Plan): string | undefined {
  const isQuery = (name: string) => (QUERY_NAMES as readonly string[]).includes(name);
  return Object.entries(inputs).find(([name, { alias = [] }]) => isQuery(name) || alias.some(isQuery))?.[0];
}

/** A run id has no colon, so both parts can be read back. */
export const makeNodeRunId = (runId: string, path: string): string => `${runId}:${path}`;

export function readNodeRunId(id: string): { runId: string; path: string } {
  const colon = id.indexOf(':');
  return { runId: id.slice(0, Math.max(colon, 0)), path: id.slice(colon + 1) };
}

/** Tencent counts items from 1: `pages[00002].text` is `pages[3].text`. */
const renderPath = (path: string): string => path.replaceAll(/\[(\d+)\]/g, (_, index) => `[${Number(index) + 1}]`);

/** Whether a node is directly inside a container, or inside the workflow itself where there is none. */
export function isInside(path: string, container: string): boolean {
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
  return renderPath(parent) === container;
}

function renderNodeType(node: PlanNode | undefined, type: string): number {
  if (type === 'group') return node?.each ? BATCH : LOOP;
  return NODE_TYPES[type] ?? TOOL;
}

function renderNodeState(run: Run, { status }: NodeRecord): number {
  if (status === 'waiting') return run.status === 'canceled' ? 4 : 1;
  return status === 'succeeded' ? 2 : 3;
}

export function renderNode(run: Run, plan: Plan, record: NodeRecord) {
  const node = findNodeAt(plan.nodes, record.path);
  const indexes = [...record.path.matchAll(/\[(\d+)\]/g)].map(([, index]) => Number(index) + 1);
  return {
    NodeRunId: makeNodeRunId(run.id, record.path),
    NodeId: renderPath(record.path),
    WorkflowRunId: run.id,
    NodeName: node?.title ?? node?.id ?? record.path,
    NodeType: renderNodeType(node, record.type),
    State: renderNodeState(run, record),
    FailCode: record.error?.code ?? '',
    FailMessage: record.error?.message ?? '',
    CostMilliseconds: record.endedAt === undefined ? 0 : record.endedAt - record.startedAt,
    TotalTokens: record.usage?.totalTokens ?? 0,
    BranchIndexList: indexes,
  };
}

export function renderNodeDetail(run: Run, plan: Plan, record: NodeRecord) {
  const tokens = record.usage?.totalTokens ?? 0;
  const base = renderNode(run, plan, record);
  const statistics = {
    ModelName: '',
    FirstTokenCost: 0,
    TotalCost: base.CostMilliseconds,
    InputTokens: 0,
    OutputTokens: 0,
  };
  return {
    ...base,
    // As the flow defines it: the values of its expressions are not stored.
    Input: JSON.stringify(findNodeAt(plan.nodes, record.path)?.with ?? {}),
    InputRef: '',
    Output: record.output === undefined ? '' : JSON.stringify(record.output),
    OutputRef: '',
    TaskOutput: '',
    TaskOutputRef: '',
    Log: '',
    LogRef: '',
    StartTime: renderTime(record.startedAt),
    EndTime: renderTime(record.endedAt),
    StatisticInfos: tokens > 0 ? [{ ...statistics, TotalTokens: tokens }] : [],
  };
}
