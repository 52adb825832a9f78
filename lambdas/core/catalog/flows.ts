// The use cases of flows: save and publish drafts, find the version that a run executes, read and manage.
// The compiler is large and few requests need it: it is loaded with the first draft.

import { createHash } from 'node:crypto';
import { ApiError, type ErrorDetail } from '../errors.ts';
import { FLOW_NAME } from '../flow/fields.ts';
import type { Compiled, Plan, Problem } from '../flow/plan.ts';
import { compareVersions, findVersionLabel, isVersionLabel } from '../flow/versions.ts';
import { MAX_SOURCE_BYTES } from '../limits.ts';
import { findModelProblem } from '../models/registry.ts';
import type { FlowSummary, FlowVersion, Granted, StoredDraft } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import { findUngranted, requireGranted } from './granted.ts';

type Flows = Pick<Ports, 'flows'>;
type TimedFlows = Pick<Ports, 'flows' | 'clock'>;

const PUBLISH_ATTEMPTS = 10;
const ETAG_CHARS = 32;

/** Stores the draft with its problems. Refuses only a text that cannot be parsed, or that belongs to another flow. */
export async function saveDraft(
  ports: TimedFlows & Partial<Pick<Ports, 'models'>>,
  tenant: string,
  asked: { name: string; source: string; ifMatch?: string; granted: Granted },
): Promise<{ etag: string; compiled: Compiled }> {
  const { name, source, granted } = asked;
  checkSource(name, source);
  const [{ compile }, { NODE_KINDS }] = await Promise.all([import('../flow/compile.ts'), import('../nodes/index.ts')]);
  const {
    readable,
    name: written,
    ...compiled
  } = await compile(source, NODE_KINDS, {
    modelProblem: (use) => findModelProblem(ports.models ?? {}, use),
    hasFlow: async (other) => other === name || (await ports.flows.get(tenant, other)) !== undefined,
  });
  if (!readable) throw makeUnreadable(compiled.problems);
  if (written !== undefined && written !== name) {
    throw new ApiError('invalid-request', `The text names flow '${written}', but it was sent to flow '${name}'`);
  }
  const { plan } = compiled;
  if (plan !== undefined) compiled.problems.push(...(await findUngranted({ plan, source, granted })));
  const etag = createHash('sha256').update(source).digest('hex').slice(0, ETAG_CHARS);
  const ifMatch = readETag(asked.ifMatch);
  const now = ports.clock.now();
  const draft = { tenant, name, source, etag, compiled, granted, now, ifMatch };
  if ((await ports.flows.putDraft(draft)).kind === 'outdated') throw makeOutdated(name);
  return { etag, compiled };
}

export async function readDraft({ flows }: Flows, tenant: string, name: string): Promise<StoredDraft> {
  return (await flows.draft(tenant, name)) ?? refuseUnknown(name);
}

/** Makes a version of the draft; returns the newest one where that has the same content. */
export async function publish(
  ports: TimedFlows,
  tenant: string,
  asked: { name: string; version?: string; ifMatch?: string; granted: Granted },
): Promise<{ created: boolean; version: FlowVersion }> {
  const { flows, clock } = ports;
  const { name, granted } = asked;
  const { source, compiled, etag } = await readDraft(ports, tenant, name);
  if (asked.ifMatch !== undefined && readETag(asked.ifMatch) !== etag) throw makeOutdated(name);
  const { plan, digest, async, sync } = compiled;
  if (plan === undefined || digest === undefined) throw makeInvalidFlow(name, compiled.problems);
  await requireGranted({ plan, granted }, { whose: 'the key', readSource: async () => source });
  // Another caller may publish at the same moment: the second one reads the newest version again.
  for (let attempt = 0; attempt < PUBLISH_ATTEMPTS; attempt += 1) {
    const { latest } = await getFlow(ports, tenant, name);
    const known = latest?.digest === digest ? await flows.version(tenant, name, latest.version) : undefined;
    if (known !== undefined) return { created: false, version: known };
    const label = await chooseLabel(ports, tenant, { ...asked, latest, plan });
    const version: FlowVersion = { version: label, digest, source, publishedAt: clock.now(), granted, async, sync };
    const after = latest && { after: latest.version };
    const added = await flows.addVersion({ tenant, name, version, plan, ...after });
    if (added.kind === 'stored') return { created: true, version };
  }
  throw new ApiError('unavailable', `Too many callers publish flow '${name}' at once: try again`);
}

/** What a run executes. The support flags of `flow` are those of the version that was found. */
export interface Resolved {
  flow: FlowSummary;
  version: string;
  digest: string;
  plan: Plan;
  granted?: Granted;
}

/** What a run may execute: throws where it uses what was not granted to whoever has written it. */
export async function resolveForRun(
  ports: Flows,
  tenant: string,
  name: string,
  asked: { version?: string; draft?: boolean },
): Promise<Resolved> {
  const resolved = await resolveVersion(ports, tenant, name, asked);
  const { plan, version, granted } = resolved;
  if (asked.draft) {
    const saver =
      granted === undefined
        ? 'anybody, since it was saved before there were grants: save the draft again'
        : 'the key that saved the draft';
    const readSource = async () => (await readDraft(ports, tenant, name)).source;
    await requireGranted({ plan, granted: granted ?? {} }, { whose: saver, readSource });
  } else if (granted !== undefined) {
    const readSource = async () => (await ports.flows.version(tenant, name, version))?.source;
    await requireGranted({ plan, granted }, { whose: 'the key that published it', readSource });
  }
  return resolved;
}

export async function resolveVersion(
  ports: Flows,
  tenant: string,
  name: string,
  asked: { version?: string; draft?: boolean },
): Promise<Resolved> {
  const flow = await getFlow(ports, tenant, name);
  if (!flow.enabled) throw new ApiError('flow-disabled', `Flow '${name}' is disabled`);
  if (asked.draft) return resolveDraft(ports, flow);
  const { latest } = flow;
  if (latest === undefined) {
    throw new ApiError('flow-not-published', `Flow '${name}' has no published version: publish its draft first`);
  }
  const isNewest = asked.version === undefined || asked.version === latest.version;
  const found = isNewest ? { ...flow, ...latest } : await findVersion(ports, tenant, name, asked.version ?? '');
  const { version, digest, granted, async, sync } = found;
  return { flow: { ...flow, async, sync }, version, digest, granted, plan: await requirePlan(ports, flow, digest) };
}

async function resolveDraft(ports: Flows, flow: FlowSummary): Promise<Resolved> {
  const { compiled, granted } = await readDraft(ports, flow.tenant, flow.name);
  const { plan, digest, async, sync } = compiled;
  if (plan === undefined || digest === undefined) throw makeInvalidFlow(flow.name, compiled.problems);
  return { flow: { ...flow, async, sync }, version: 'draft', digest, granted, plan };
}

/** `1.0.1`, or the newest of `1.0` or `1`. */
export async function findVersion(ports: Flows, tenant: string, name: string, asked: string): Promise<FlowVersion> {
  await getFlow(ports, tenant, name);
  const exact = isVersionLabel(asked) ? await ports.flows.version(tenant, name, asked) : undefined;
  if (exact !== undefined) return exact;
  const versions = await ports.flows.versions(tenant, name);
  const label = findVersionLabel(
    asked,
    versions.map(({ version }) => version),
  );
  const found = versions.find(({ version }) => version === label);
  if (found !== undefined) return found;
  const newest = versions[0] ? ` (newest: ${versions[0].version})` : '';
  throw new ApiError('version-not-found', `Flow '${name}' has no version '${asked.slice(0, 40)}'${newest}`);
}

export async function getFlow({ flows }: Flows, tenant: string, name: string): Promise<FlowSummary> {
  return (FLOW_NAME.test(name) ? await flows.get(tenant, name) : undefined) ?? refuseUnknown(name);
}

export function listFlows({ flows }: Flows, tenant: string, page: { limit: number; cursor?: string }) {
  return flows.list(tenant, page);
}

export async function listVersions(ports: Flows, tenant: string, name: string): Promise<FlowVersion[]> {
  await getFlow(ports, tenant, name);
  return ports.flows.versions(tenant, name);
}

export async function setFlowEnabled(ports: TimedFlows, tenant: string, name: string, enabled: boolean) {
  return (await ports.flows.setEnabled(tenant, name, enabled, ports.clock.now())) ?? refuseUnknown(name);
}

export async function deleteFlow({ flows }: Flows, tenant: string, name: string): Promise<void> {
  if (!(await flows.remove(tenant, name))) refuseUnknown(name);
}

interface Labeling {
  name: string;
  version?: string;
  latest: FlowSummary['latest'];
  plan: Plan;
}

/** The changes decide; the author may ask for a higher label, never for a lower one. */
async function chooseLabel({ flows }: Flows, tenant: string, { name, version: asked, latest, plan }: Labeling) {
  const before = latest && (await flows.plan(tenant, name, latest.digest));
  const { nextVersion } = await import('../flow/next-version.ts');
  const lowest = nextVersion(latest && before && { version: latest.version, plan: before }, plan);
  if (asked === undefined) return lowest;
  if (isVersionLabel(asked) && compareVersions(asked, lowest) >= 0) return asked;
  throw new ApiError('invalid-request', `version must be ${lowest} or higher, because of the changes in the flow`);
}

async function requirePlan({ flows }: Flows, { tenant, name }: FlowSummary, digest: string): Promise<Plan> {
  const plan = await flows.plan(tenant, name, digest);
  if (plan === undefined) throw new Error(`The plan ${digest} of flow '${name}' is missing`);
  return plan;
}

function checkSource(name: string, source: string): void {
  if (!FLOW_NAME.test(name)) {
    const rule = 'use letters, digits, _ and -, at most 64, and no digit or - at the beginning';
    throw new ApiError('invalid-request', `'${name.slice(0, 80)}' cannot be the name of a flow: ${rule}`);
  }
  const bytes = Buffer.byteLength(source);
  if (bytes > MAX_SOURCE_BYTES) {
    throw new ApiError('payload-too-large', `A flow has at most ${MAX_SOURCE_BYTES} bytes, this one has ${bytes}`);
  }
}

const readETag = (ifMatch: string | undefined) => ifMatch?.replace(/^W\/|"/g, '');

function makeOutdated(name: string): ApiError {
  return new ApiError('invalid-request', `The draft of '${name}' was changed since you read it: read it again`);
}

function makeUnreadable(problems: readonly Problem[]): ApiError {
  const [first] = problems;
  const where = first ? `line ${first.line}, column ${first.column}: ${first.message}` : 'it is empty';
  return new ApiError('invalid-request', `The flow cannot be read: ${where}`, { details: toDetails(problems) });
}

function makeInvalidFlow(name: string, problems: readonly Problem[]): ApiError {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const where = first ? `: line ${first.line}, column ${first.column}: ${first.message}` : '';
  const message = `Flow '${name}' has ${errors.length === 1 ? 'a problem' : `${errors.length} problems`}${where}`;
  return new ApiError('invalid-flow', message, { details: toDetails(errors) });
}

function toDetails(problems: readonly Problem[]): ErrorDetail[] {
  return problems.map(({ line, column, message }) => ({ line, column, message }));
}

function refuseUnknown(name: string): never {
  throw new ApiError('flow-not-found', `There is no flow '${name.slice(0, 80)}'`);
}
