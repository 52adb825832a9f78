// Runs code nodes in their two functions, each call in an environment that only its tenant's code uses.

import * as z from 'zod';
import type { CodeEnd, CodeLanguage, CodeRunner } from '../core/ports/runners.ts';
import type { makeFunctions } from './functions.ts';

// The function that answers runs what tenants write: what it says is checked like what a stranger says.
const end = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('returned'), result: z.record(z.string(), z.json()) }),
  z.object({
    kind: z.literal('failed'),
    reason: z.enum([
      'not-loaded',
      'no-main',
      'threw',
      'wrong-result',
      'too-large',
      'timed-out',
      'out-of-memory',
      'exited',
    ]),
    message: z.string(),
    line: z.int().min(1).optional(),
    column: z.int().min(1).optional(),
    printed: z.string().optional(),
  }),
]);

export interface CodeOptions {
  functions: Pick<ReturnType<typeof makeFunctions>, 'invoke'>;
  /** Names of the functions; without one, code in its language is not run. */
  names: Partial<Record<CodeLanguage, string>>;
  /** Lambda refuses calls that name a tenant where a function was not made for it, and those that do not where it was. */
  perTenant: boolean;
}

export function makeCode({ functions, names, perTenant }: CodeOptions): CodeRunner {
  return {
    async run({ language, tenant, job, signal }) {
      const name = names[language];
      if (name === undefined) throw new Error(`This function does not run ${language} code`);
      const answer = await functions.invoke({
        name,
        ...(perTenant && { tenant }),
        payload: job as never,
        mode: 'response',
        signal,
      });
      if (answer.kind === 'error') {
        return { kind: 'unavailable', message: describeError(answer), retryable: answer.retryable };
      }
      const parsed = end.safeParse(answer.payload);
      if (!parsed.success) {
        return { kind: 'unavailable', message: 'the function that runs it gave no proper answer', retryable: true };
      }
      return parsed.data as CodeEnd;
    },
  };
}

/** The function's own end is the code's doing: whatever its process did not survive took the function with it. */
function describeError({ type, message }: { type: string; message: string }): string {
  return /^(Runtime|Sandbox)\./.test(type)
    ? message.replace(/^RequestId: \S+ (?:Error: )?/, '')
    : `${type}: ${message}`;
}
