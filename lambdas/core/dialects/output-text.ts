// The outputs of a run as one text, for wires that carry no object.

import type { JsonObject } from '../json.ts';

/** The text itself where it is the only output, else JSON. */
export function outputText(outputs: JsonObject | null): string {
  const values = Object.values(outputs ?? {});
  if (values.length === 1 && typeof values[0] === 'string') return values[0];
  return JSON.stringify(outputs ?? {});
}
