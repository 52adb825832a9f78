// The fast path: most expressions are like `$nodes.fetch.items` and need no interpreter. It gives exactly what JSONata
// would, or declines.

import type { Json } from '../json.ts';

export interface PlainPath {
  root: string;
  names: string[];
}

const PLAIN = /^\$([A-Za-z_]\w*)((?:\.(?:[A-Za-z_]\w*|`[^`]+`))*)$/;
// JSONata reads these as values, even after a dot.
const VALUES: ReadonlySet<string> = new Set(['true', 'false', 'null']);

/** The path that the whole expression is; undefined where it is more than that. */
export function parsePlainPath(source: string): PlainPath | undefined {
  const [, root, rest] = PLAIN.exec(source) ?? [];
  if (root === undefined || rest === undefined) return undefined;
  const names = [...rest.matchAll(/\.(?:`([^`]+)`|(\w+))/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const isPlain = [...rest.matchAll(/\.(\w+)/g)].every(([, bare]) => !VALUES.has(bare ?? ''));
  return isPlain ? { root, names } : undefined;
}

/** What the path leads to; undefined where there is nothing. `declined` where it would map over a list on the way. */
export function follow(path: PlainPath, roots: Record<string, unknown>): { value: Json | undefined } | 'declined' {
  let value = readOwn(roots, path.root);
  for (const name of path.names) {
    if (Array.isArray(value)) return 'declined';
    value = typeof value === 'object' && value !== null ? readOwn(value as Record<string, Json>, name) : undefined;
  }
  return { value };
}

function readOwn(object: Record<string, unknown>, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? (object[name] as Json) : undefined;
}
