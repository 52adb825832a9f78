// The user's credentials of a new run: those that come with the request. A run that repeats another may have those of that
// run, where they were kept, for the same key, the same version and the same servers. Otherwise they are given again.

import type { Caller } from '../access/caller.ts';
import type { Resolved } from '../catalog/flows.ts';
import { listMoved, readUserCredentials } from '../catalog/plugins.ts';
import { ApiError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import type { Credentials, Run, RunRecord } from '../run.ts';
import type { Submission } from './submit.ts';

/** What a run had, for whoever runs it again. */
export interface EarlierCredentials {
  run: Pick<Run, 'createdAt' | 'digest' | 'version'>;
  /** Id of the key that started it. */
  startedBy?: string;
  /** Plugins that it had credentials for. */
  plugins: string[];
  kept?: Record<string, Credentials>;
}

/** `kept`: what is still stored with the run. Of runs of earlier releases nobody knows who started them. */
export function readEarlier(
  { run, startedBy, plugins }: RunRecord,
  kept: Record<string, Credentials> | undefined,
): EarlierCredentials {
  return { run, startedBy, plugins: plugins ?? Object.keys(kept ?? {}), kept };
}

export async function buildCredentials(
  ports: Pick<Ports, 'plugins'>,
  caller: Pick<Caller, 'key' | 'tenant'>,
  { asked, resolved }: { asked: Submission; resolved: Resolved },
): Promise<Record<string, Credentials>> {
  const { earlier, plugins, ignoresOtherPlugins } = asked;
  const { plan } = resolved;
  if (earlier === undefined) return readUserCredentials(plan, asked);
  if (plugins !== undefined && !isObject(plugins)) return readUserCredentials(plan, { plugins });
  const own = plugins ?? {};
  const needed = earlier.plugins.filter((id) => Object.hasOwn(plan.plugins, id) && !Object.hasOwn(own, id));
  const [first] = needed;
  if (first === undefined) return readUserCredentials(plan, { plugins: own, ignoresOtherPlugins });
  const reason = whyNotReused(earlier, caller, resolved);
  if (reason !== undefined) throw mustGiveAgain(first, reason);
  const [moved] = await listMoved(ports, caller.tenant.id, { ids: needed, since: earlier.run.createdAt });
  if (moved !== undefined) throw mustGiveAgain(moved, 'its address has changed since');
  const { kept = {} } = earlier;
  const reused = Object.fromEntries(needed.map((id) => [id, kept[id]]));
  return readUserCredentials(plan, { plugins: { ...reused, ...own }, ignoresOtherPlugins });
}

function whyNotReused(
  { run, startedBy, kept }: EarlierCredentials,
  { key }: Pick<Caller, 'key'>,
  { digest, version }: Resolved,
): string | undefined {
  if (kept === undefined) return 'they were dropped when the run ended (`keepCredentials` keeps them)';
  if (startedBy !== key.id) return 'another key gave them';
  if (run.digest !== digest || run.version !== version) return 'they were given for another version of the flow';
  return undefined;
}

function mustGiveAgain(id: string, reason: string): ApiError {
  const field = `plugins.${id}`;
  const message = `must be given again for the plugin '${id}': ${reason}`;
  return new ApiError('invalid-request', `${field} ${message}`, { details: [{ field, message }] });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
