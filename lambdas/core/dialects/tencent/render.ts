// Runs and nodes as Tencent's clients read them: states are numbers, times are milliseconds in a string, objects are JSON
// in a string.

import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan, PlanNode } from '../../flow/plan.ts';
import { isSettled, type NodeRecord, type Run, type RunRecord, type RunStatus, type Usage } from '../../run.ts';
import { renderOutputText } from '../output-text.ts';
import type { OpenNode } from './open-nodes.ts';
import { readAppBizId, renderRequest } from './request.ts';

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

const renderTime = (ms: number | undefined): string => (ms === undefined ? '' : String(ms));

export const renderRunEnv = ({ env }: Run): number => (env === 'debug' ? 0 : 1);

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

/** `records` are all of the run. */
export function renderRunDetail(
  record: RunRecord,
  { plan, records, withGraph }: { plan: Plan; records: readonly NodeRecord[]; withGraph: boolean },
) {
  const { run, outputs } = record;
  return {
    ...renderRun(run),
    ...renderRequest(record, plan),
    Output: run.status === 'succeeded' ? renderOutputText(outputs) : '',
    MainModelName: findMainModel(records),
    // Flows that can run asynchronously say nothing before their output.
    LatestMessage: null,
    WorkflowGraph: withGraph ? JSON.stringify(plan) : '',
  };
}

/** The one that used most tokens. */
function findMainModel(records: readonly NodeRecord[]): string {
  const tokens = new Map<string, number>();
  for (const { usage } of records) {
    if (usage?.model) tokens.set(usage.model, (tokens.get(usage.model) ?? 0) + usage.totalTokens);
  }
  const [first] = [...tokens].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? '';
}

/** A run id has no colon, so both parts can be read back. */
export const makeNodeRunId = (runId: string, path: string): string => `${runId}:${path}`;

export function readNodeRunId(id: string): { runId: string; path: string } {
  const colon = id.indexOf(':');
  return { runId: id.slice(0, Math.max(colon, 0)), path: id.slice(colon + 1) };
}

const INDEX = /\[(\d+)\]/g;
/** Tencent counts items from 1: `pages[00002].text` is `pages[3].text`. */
const renderPath = (path: string): string => path.replaceAll(INDEX, (_, index) => `[${Number(index) + 1}]`);
export const readPath = (path: string): string =>
  path.replaceAll(INDEX, (_, index) => `[${String(Math.max(0, Number(index) - 1)).padStart(5, '0')}]`);

/** What a node is directly inside of; '' is the workflow itself. */
export const readContainer = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));
export const isInside = (path: string, container: string): boolean => readContainer(path) === container;

function renderNodeType(node: PlanNode | undefined, type: string): number {
  if (type === 'group') return node?.each ? BATCH : LOOP;
  return NODE_TYPES[type] ?? TOOL;
}

/** A node that has begun: with its record once it waits or has ended. */
export type NodeRun = NodeRecord | OpenNode;

function renderNodeState(run: Run, record: NodeRun): number {
  if (!('status' in record) || record.status === 'waiting') return isSettled(run.status) ? STATES.canceled : 1;
  return record.status === 'succeeded' ? 2 : 3;
}

const readRecord = (it: NodeRun): Partial<NodeRecord> => it;

export function renderNode(run: Run, plan: Plan, it: NodeRun) {
  const node = findNodeAt(plan.nodes, it.path);
  const indexes = [...it.path.matchAll(INDEX)].map(([, index]) => Number(index) + 1);
  const { error, startedAt = 0, endedAt, usage } = readRecord(it);
  return {
    NodeRunId: makeNodeRunId(run.id, it.path),
    NodeId: renderPath(it.path),
    WorkflowRunId: run.id,
    NodeName: node?.title ?? node?.id ?? it.path,
    NodeType: renderNodeType(node, it.type),
    State: renderNodeState(run, it),
    FailCode: error?.code ?? '',
    FailMessage: error?.message ?? '',
    CostMilliseconds: endedAt === undefined ? 0 : endedAt - startedAt,
    TotalTokens: usage?.totalTokens ?? 0,
    BranchIndexList: indexes,
  };
}

export function renderNodeDetail(run: Run, plan: Plan, it: NodeRun) {
  const { output, startedAt, endedAt, usage } = readRecord(it);
  const { BranchIndexList: _, ...base } = renderNode(run, plan, it);
  return {
    ...base,
    // As the flow defines it: the values of its expressions are not stored.
    Input: JSON.stringify(findNodeAt(plan.nodes, it.path)?.with ?? {}),
    InputRef: '',
    Output: output === undefined ? '' : JSON.stringify(output),
    OutputRef: '',
    TaskOutput: '',
    TaskOutputRef: '',
    Log: '',
    LogRef: '',
    StartTime: renderTime(startedAt),
    EndTime: renderTime(endedAt),
    StatisticInfos: usage?.model ? [renderStatistics(usage, usage.model, base.CostMilliseconds)] : [],
  };
}

/** Costs are milliseconds. That of the first token is not measured. */
const renderStatistics = (usage: Usage, model: string, milliseconds: number) => ({
  ModelName: model,
  FirstTokenCost: 0,
  TotalCost: milliseconds,
  InputTokens: usage.inputTokens ?? 0,
  OutputTokens: usage.outputTokens ?? 0,
  TotalTokens: usage.totalTokens,
});
