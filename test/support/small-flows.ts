// Small flows for tests of the engine: nodes that answer, fail or take long as the test says.

import type { Submission } from '../../lambdas/core/api/submit.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import { drive } from './driver.ts';
import { type MemoryPlatform, makePlatform } from './platform.ts';

/** A lambda node that answers by its payload: `{say}` is the answer, `{fail: n}` fails the first n calls, `{ms}` takes long. */
export function callable(calls: JsonObject[], platform: () => MemoryPlatform): Functions {
  return {
    async invoke({ payload }) {
      const asked = payload as { say?: string; fail?: number; ms?: number; name?: string };
      calls.push(asked as JsonObject);
      const nth = calls.filter(({ name }) => name === asked.name).length;
      await platform().clock.sleep(asked.ms ?? 0);
      if (nth <= (asked.fail ?? 0)) return { kind: 'error', type: 'Broken', message: 'It broke', retryable: true };
      return { kind: 'answer', payload: asked.say ?? nth };
    },
  };
}

interface More {
  overrides?: Partial<Ports>;
  asked?: Partial<Submission>;
  /** Fields of the flow beside its nodes and outputs. */
  extra?: object;
  /** Whether waits for a person get an answer; default true. */
  answers?: boolean;
}

/** A run of a flow of these nodes, accepted but not started. */
export async function accepted(nodes: object, outputs: object = {}, more: More = {}) {
  const calls: JsonObject[] = [];
  const platform: MemoryPlatform = await makePlatform({
    functions: callable(calls, () => platform),
    ...more.overrides,
  });
  const source = JSON.stringify({ flow: 1, name: 'probe', nodes, outputs, ...more.extra });
  const run = await platform.accept(source, more.asked);
  const readRecord = (path: string) => platform.runs.runs.get(run.id)?.records.get(path);
  return { platform, run, calls, readRecord };
}

/** The same, run until it has settled. */
export async function ran(nodes: object, outputs: object = {}, more: More = {}) {
  const begun = await accepted(nodes, outputs, more);
  const { run } = await drive(begun.platform, begun.run.id, { answers: more.answers ?? true });
  const record = await begun.platform.runs.read(run.id);
  const paths = [...(begun.platform.runs.runs.get(run.id)?.records.keys() ?? [])];
  return { ...begun, run, outputs: record?.outputs, paths };
}

export const call = (name: string, payload: object = {}, more: object = {}) => ({
  type: 'lambda',
  with: { function: 'work', payload: { name, ...payload } },
  ...more,
});
export const set = (value: unknown, more: object = {}) => ({
  type: 'set',
  with: { values: { v: value } },
  ...more,
});
