// Compiles the source of a flow into its plan, or into the problems that prevent it:
// text → fields → mentions → edges → plan. Takes the node kinds as a parameter, so it depends on none of them.

import { isMap } from '../json.ts';
import { MAX_FIELDS, MAX_PLAN_BYTES, MAX_UNIT_TIMEOUT_SECONDS } from '../limits.ts';
import type { AuthoredKind } from './authored-kind.ts';
import { checkBraces, checkBracesIn } from './braces.ts';
import { digestPlan } from './canonical.ts';
import { checkCycles, type Edges, findEdges } from './edges.ts';
import { checkInputs } from './input-specs.ts';
import { addFromInside, type Checking, checkOutputs, findMentions } from './mentions.ts';
import { checkModels, type ModelProblem } from './models.ts';
import { warnOfUnreached } from './never.ts';
import { parseField } from './parse-field.ts';
import type { Compiled, Plan, PlanNode, Support } from './plan.ts';
import { outputSites, planFlow } from './plan-flow.ts';
import { planNode } from './plan-nodes.ts';
import { makeProblems, type Problems } from './problems.ts';
import { type Draft, type Reading, readScope, type Scope } from './scope.ts';
import { flowShape } from './shapes.ts';
import { readSource, type Source } from './source.ts';
import { checkSubFlows, type HasFlow } from './sub-flows.ts';
import { checkMode, judgeSupport } from './support.ts';

/** A plan must fit one item of the catalog, also after its aliases are written out. */
const UNKNOWN: Support = { supported: false, blockers: [] };

export type NodeKinds = Readonly<Record<string, AuthoredKind>>;

/** What is known of the deployment and the tenant; what is not known is not checked. */
interface Known {
  modelProblem?: ModelProblem;
  hasFlow?: HasFlow;
}

/** Never throws for a wrong text. `readable` is false where it is not a YAML or JSON map at all. */
export async function compile(
  text: string,
  kinds: NodeKinds,
  { modelProblem, hasFlow }: Known = {},
): Promise<Compiled & { readable: boolean; name?: string }> {
  const read = readSource(text);
  if ('unreadable' in read) {
    return { problems: [read.unreadable], async: UNKNOWN, sync: UNKNOWN, readable: false };
  }
  const { source } = read;
  const { value } = source;
  const problems = makeProblems(source);
  const plan = await compileSource(problems, source, kinds);
  if (modelProblem) checkModels(problems, value, modelProblem);
  if (hasFlow) await checkSubFlows(problems, plan.top, hasFlow);
  const name = value['name'];
  return {
    ...(plan.plan && !problems.hasErrors() && { plan: plan.plan, digest: digestPlan(plan.plan) }),
    problems: problems.list(),
    ...judgeSupport(source, plan.top),
    readable: true,
    ...(typeof name === 'string' && { name }),
  };
}

async function compileSource(
  problems: Problems,
  source: Source,
  kinds: NodeKinds,
): Promise<{ top: Scope; plan: Plan | undefined }> {
  const { value } = source;
  const fields = parseField(problems, { schema: flowShape, value, path: [] });
  const nodes = isMap(value['nodes']) ? value['nodes'] : {};
  const reading: Reading = { kinds, problems, count: 0 };
  const context = { item: false, vars: false };
  const top = readScope(reading, nodes, { path: ['nodes'], context, isRepeated: false, depth: 0 });
  if (isMap(value['nodes']) && reading.count === 0) problems.error(['nodes'], 'a flow needs at least one node', 'key');
  checkSizes(problems, value);
  await checkInputs(problems, value['inputs']);
  const checking = { problems, declared: findDeclared(value) };
  const planned = await compileScope(checking, top);
  checkBracesIn(problems, value['outputs'], ['outputs']);
  await checkOutputs(checking, top, outputSites(value['outputs']));
  checkMode(problems, source, top);
  if (fields === undefined || problems.hasErrors()) return { top, plan: undefined };
  const plan = planFlow(fields, planned.nodes);
  if (Buffer.byteLength(JSON.stringify(plan)) > MAX_PLAN_BYTES) {
    problems.error([], 'the flow is too large once its aliases are written out');
  }
  return { top, plan };
}

/** Nodes of the plan, and what they mention further out. */
async function compileScope(checking: Checking, scope: Scope): Promise<{ nodes: PlanNode[]; outer: Set<string> }> {
  const edges = new Map<string, Edges>();
  const nodes: PlanNode[] = [];
  const outer = new Set<string>();
  for (const draft of scope.drafts.values()) {
    const mentions = await findMentions(checking, scope, draft);
    const inside = draft.inside && (await compileScope(checking, draft.inside));
    if (inside) addFromInside(mentions, inside.outer, scope);
    for (const id of mentions.outer) outer.add(id);
    const own = findEdges(checking.problems, scope, { draft, mentions });
    edges.set(draft.id, own);
    checkTimeout(checking.problems, draft);
    checkBraces(checking.problems, draft);
    await checkWith(checking.problems, draft);
    nodes.push(planNode({ draft, edges: own, ...(inside && { inside: inside.nodes }) }));
  }
  checkCycles(checking.problems, scope, edges);
  warnOfUnreached(checking.problems, scope, edges);
  return { nodes, outer };
}

/** A unit must finish inside one slice; only a unit that waits may take longer. */
function checkTimeout(problems: Problems, { id, fields, kind, path, with: source }: Draft): void {
  const isOpen = source === undefined || kind.waits?.(source);
  if (isOpen || fields.timeout === undefined || fields.timeout <= MAX_UNIT_TIMEOUT_SECONDS * 1_000) return;
  const advice = 'for longer work use a node that waits for a callback';
  problems.error([...path, 'timeout'], `'timeout' of node '${id}' must be at most 10m: ${advice}`);
}

async function checkWith(problems: Problems, { kind, path, with: source }: Draft): Promise<void> {
  if (source === undefined || !kind.check) return;
  for (const { path: field, message, at } of await kind.check(source)) {
    const full = [...path, 'with', ...field];
    if (at) problems.errorAt(full, at, message);
    else problems.error(full, message);
  }
}

function checkSizes(problems: Problems, value: Record<string, unknown>): void {
  for (const field of ['inputs', 'outputs', 'models', 'env', 'plugins'] as const) {
    const count = isMap(value[field]) ? Object.keys(value[field]).length : 0;
    if (count > MAX_FIELDS) problems.error([field], `a flow has at most ${MAX_FIELDS} ${field}`, 'key');
  }
}

function findDeclared(value: Record<string, unknown>): Checking['declared'] {
  const keys = (field: unknown) => (isMap(field) ? Object.keys(field) : []);
  const secrets = Array.isArray(value['secrets']) ? value['secrets'].filter((name) => typeof name === 'string') : [];
  return { inputs: keys(value['inputs']), env: keys(value['env']), secrets, plugins: keys(value['plugins']) };
}
