// A tenant's plugins: described by an administrator, opened for the node that calls one. Credentials are stored encrypted
// and never returned.

import { ApiError } from '../errors.ts';
import type { Plan } from '../flow/plan.ts';
import type { JsonObject } from '../json.ts';
import type { OpenPlugin } from '../nodes/node-kind.ts';
import { findMoved } from '../nodes/tool/address.ts';
import { credentialsSchema, type PluginAuth, type PluginDefinition } from '../nodes/tool/plugin.ts';
import { parseOrReject } from '../parse/parse-or-reject.ts';
import { suggest } from '../parse/suggest.ts';
import type { StoredPlugin } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import type { Credentials, Run } from '../run.ts';

type PluginPorts = Pick<Ports, 'plugins' | 'keyring'>;

/** The public view: with the names of the credentials' fields, never their values. */
export interface PluginView extends PluginDefinition {
  id: string;
  updatedAt: string;
  /** Whether the credentials that `auth: platform` needs are set. */
  configured: boolean;
}

const sealingContext = (tenant: string, id: string) => `plugin/${tenant}/${id}`;

/** Without `credentials`, the stored ones stay, where the plugin stays at the servers that they were given for. */
export async function putPlugin(
  ports: PluginPorts & Pick<Ports, 'clock'>,
  tenant: string,
  asked: { id: string; plugin: PluginDefinition; credentials?: Credentials | undefined },
): Promise<PluginView> {
  const { id, plugin, credentials } = asked;
  // It loads the parser of expressions, which nothing else needs at start.
  const { checkPlugin } = await import('../nodes/tool/plugin-check.ts');
  await checkPlugin(plugin, credentials);
  const before = await ports.plugins.get(tenant, id);
  const moved = before && findMoved(readDefinition(before), plugin);
  if (moved && !credentials && plugin.auth === 'platform' && before.sealed !== undefined) {
    const message = `must be given again: the action '${moved.action}' calls ${moved.address}, and they were given for another server`;
    throw new ApiError('invalid-request', `credentials ${message}`, { details: [{ field: 'credentials', message }] });
  }
  const sealed = credentials
    ? await ports.keyring.seal(JSON.stringify(credentials), sealingContext(tenant, id))
    : plugin.auth === 'platform' && before?.sealed;
  const now = ports.clock.now();
  const movedAt = before === undefined || moved ? now : before.movedAt;
  const stored: StoredPlugin = {
    id,
    definition: plugin as unknown as JsonObject,
    updatedAt: now,
    ...(movedAt !== undefined && { movedAt }),
    ...(sealed && { sealed }),
  };
  await ports.plugins.put(tenant, stored);
  return renderPlugin(stored);
}

export async function readPlugin({ plugins }: Pick<Ports, 'plugins'>, tenant: string, id: string): Promise<PluginView> {
  return renderPlugin((await plugins.get(tenant, id)) ?? refuseUnknown(id));
}

export async function listPlugins({ plugins }: Pick<Ports, 'plugins'>, tenant: string): Promise<PluginView[]> {
  return (await plugins.list(tenant)).map(renderPlugin);
}

export async function removePlugin({ plugins }: Pick<Ports, 'plugins'>, tenant: string, id: string): Promise<void> {
  if (!(await plugins.remove(tenant, id))) refuseUnknown(id);
}

/** It was checked before it was stored. */
const readDefinition = ({ definition }: StoredPlugin) => definition as unknown as PluginDefinition;

function renderPlugin(stored: StoredPlugin): PluginView {
  const { id, sealed, updatedAt } = stored;
  const definition = readDefinition(stored);
  const needsNone = definition.auth !== 'platform' || (definition.fields ?? []).length === 0;
  return {
    id,
    ...definition,
    updatedAt: new Date(updatedAt).toISOString(),
    configured: needsNone || sealed !== undefined,
  };
}

function refuseUnknown(id: string): never {
  throw new ApiError('not-found', `There is no plugin '${id}'`);
}

interface Opening {
  tenant: string;
  plan: Plan;
  id: string;
  /** The node's setting; else the flow's declaration, else the plugin's own applies. */
  auth?: 'platform' | 'user' | undefined;
  /** The user's, by plugin, and when they came. */
  user: { credentials: Record<string, Credentials>; since: number };
}

/** Those of the plugins that are somewhere else than they were then, so credentials of that time are not for them. */
export async function listMoved(
  { plugins }: Pick<Ports, 'plugins'>,
  tenant: string,
  { ids, since }: { ids: readonly string[]; since: number },
): Promise<string[]> {
  const found = await Promise.all(ids.map(async (id) => ({ id, plugin: await plugins.get(tenant, id) })));
  return found.filter(({ plugin }) => plugin !== undefined && hasMoved(plugin, since)).map(({ id }) => id);
}

const hasMoved = ({ movedAt }: StoredPlugin, since: number): boolean => movedAt !== undefined && movedAt > since;

/** Throws where a plugin has moved since the run got its credentials: they were given for another server. */
export async function requireUnmoved(
  ports: Pick<Ports, 'plugins'>,
  { tenant, createdAt }: Pick<Run, 'tenant' | 'createdAt'>,
  credentials: Record<string, Credentials>,
): Promise<void> {
  const [moved] = await listMoved(ports, tenant, { ids: Object.keys(credentials), since: createdAt });
  if (moved !== undefined) throw makeMovedAway(moved);
}

function makeMovedAway(id: string): ApiError {
  return new ApiError(
    'forbidden',
    `The address of the plugin '${id}' has changed since the run got its credentials: start another run with them`,
  );
}

/** For a node of a run. */
export async function openPlugin(ports: PluginPorts, { tenant, plan, id, auth, user }: Opening): Promise<OpenPlugin> {
  const stored = (await ports.plugins.get(tenant, id)) ?? refuseUnknown(id);
  const { sealed } = stored;
  const definition = readDefinition(stored);
  const declared = plan.plugins[id]?.['auth'] as PluginAuth | undefined;
  const { actions } = definition;
  switch (auth ?? declared ?? definition.auth) {
    case 'none':
      return { actions, credentials: {} };
    case 'user':
      if (user.credentials[id] !== undefined && hasMoved(stored, user.since)) throw makeMovedAway(id);
      return { actions, credentials: user.credentials[id] ?? {} };
    case 'platform': {
      if (sealed !== undefined) {
        return { actions, credentials: JSON.parse(await ports.keyring.open(sealed, sealingContext(tenant, id))) };
      }
      if ((definition.fields ?? []).length === 0) return { actions, credentials: {} };
      throw new ApiError('not-found', `Plugin '${id}' has no credentials yet: add them to the plugin`);
    }
  }
}

/** The user's credentials that come with a request to run, checked against what the flow declares. */
export function readUserCredentials(
  plan: Plan,
  { plugins, ignoresOtherPlugins }: { plugins?: unknown; ignoresOtherPlugins?: true },
): Record<string, Credentials> {
  const received = plugins === undefined || plugins === null ? {} : requireObject(plugins);
  const declared = Object.keys(plan.plugins);
  for (const id of Object.keys(received)) {
    if (!declared.includes(id) && !ignoresOtherPlugins)
      refuse(`plugins.${id}`, `is not a plugin of this flow${suggest(id, declared)}`);
  }
  const credentials: Record<string, Credentials> = {};
  for (const [id, { auth, fields = [] }] of Object.entries(plan.plugins)) {
    const own = received[id];
    if (own !== undefined) credentials[id] = parseCredentials(`plugins.${id}`, own);
    if (auth !== 'user') continue;
    const missing = (fields as string[]).find((name) => !Object.hasOwn(credentials[id] ?? {}, name));
    if (missing !== undefined) refuse(`plugins.${id}.${missing}`, "is required: the flow uses the user's credentials");
  }
  return credentials;
}

function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse('plugins', "must be an object: each plugin's credentials by name");
}

function parseCredentials(field: string, value: unknown): Credentials {
  try {
    return parseOrReject(credentialsSchema, value);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const [detail] = error.details ?? [];
    const inner = detail?.field === undefined ? field : `${field}.${detail.field}`;
    return refuse(inner, detail?.message ?? error.message);
  }
}

function refuse(field: string, message: string): never {
  throw new ApiError('invalid-request', `${field} ${message}`, { details: [{ field, message }] });
}
