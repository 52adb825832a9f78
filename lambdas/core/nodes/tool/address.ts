// Where the calls of a plugin go: credentials that were given for one server are sent to no other.

import type { PluginDefinition } from './plugin.ts';

/** Scheme, host and port; the whole text where an expression may decide any of them. */
export function readAddress(url: string): string {
  const expression = url.indexOf('${{');
  const fixed = expression < 0 ? url : /^https?:\/\/[^/?#\\@\s]+(?=[/?#])/i.exec(url.slice(0, expression))?.[0];
  return fixed !== undefined && URL.canParse(fixed) ? new URL(fixed).origin : url;
}

/** The first action that goes where no action of `before` went. */
export function findMoved(
  before: Pick<PluginDefinition, 'actions'>,
  after: Pick<PluginDefinition, 'actions'>,
): { action: string; address: string } | undefined {
  const known = new Set(Object.values(before.actions).map(({ url }) => readAddress(String(url))));
  const addresses = Object.entries(after.actions).map(([action, { url }]) => ({
    action,
    address: readAddress(String(url)),
  }));
  return addresses.find(({ address }) => !known.has(address));
}
