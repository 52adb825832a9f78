// The outputs of a run as one text, for dialects whose responses have no object for them.

import type { JsonObject } from '../json.ts';

/** The text itself if it is the only output, otherwise JSON. */
export function renderOutputText(outputs: JsonObject | null): string {
  const values = Object.values(outputs ?? {});
  if (values.length === 1 && typeof values[0] === 'string') return values[0];
  return JSON.stringify(outputs ?? {});
}
