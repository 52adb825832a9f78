// The end of a run that a `flow` node has started, as a signal to the run that waits for it. Each child has a signal of its own:
// the end of an earlier one of the same unit never takes the place of a later one's, and never answers for it.

import type { Signal } from '../run.ts';

export const childSignalPath = (path: string, child: string): string => `${path}#${child}`;

export function findChildEnd(signals: ReadonlyMap<string, Signal>, path: string, child: string): Signal | undefined {
  const own = signals.get(childSignalPath(path, child));
  if (own !== undefined) return own;
  // Releases before this one had one signal for each unit.
  const shared = signals.get(path);
  return (shared?.payload as { run?: unknown } | undefined)?.run === child ? shared : undefined;
}
