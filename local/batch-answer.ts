// Which messages of a batch a function has done with, by the rules of Lambda's partial batch responses.

import type { Outcome } from './functions/environment.ts';

/**
 * The ids that may be deleted. An answer that names an empty or unknown id, or none where it should, means that the
 * whole batch comes again; an empty list of failures, or no answer at all, means that the whole batch is done.
 */
export function partition(ids: string[], outcome: Outcome | undefined, reportsItemFailures: boolean): string[] {
  if (outcome?.status !== 'succeeded') return [];
  if (!reportsItemFailures) return ids;
  const failures = failuresIn(String(outcome.payload));
  if (!failures) return [];
  const failed = failures.map((failure) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  const areKnown = failed.every((id) => typeof id === 'string' && ids.includes(id));
  return areKnown ? ids.filter((id) => !failed.includes(id)) : [];
}

/** Undefined when the answer cannot be read as a list of failures. */
function failuresIn(payload: string): unknown[] | undefined {
  const answer: unknown = JSON.parse(payload || 'null');
  if (answer === null) return [];
  if (typeof answer !== 'object') return undefined;
  const { batchItemFailures } = answer as { batchItemFailures?: unknown };
  if (batchItemFailures === undefined || batchItemFailures === null) return [];
  return Array.isArray(batchItemFailures) ? batchItemFailures : undefined;
}
