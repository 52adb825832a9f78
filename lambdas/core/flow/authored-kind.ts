// What the compiler knows about a node kind: what an author may write, and what that means for the flow. How a node of
// the kind runs belongs to nodes/node-kind.ts.

import type * as z from 'zod';
import type { JsonObject } from '../json.ts';
import type { Use } from './uses.ts';

/** What is wrong with `with`, found when the flow is compiled. */
export interface WithProblem {
  /** Inside `with`. */
  path: string[];
  /** Names the field. */
  message: string;
  /** 1-based place inside the text of the field. */
  at?: { line: number; column: number };
}

export interface AuthoredKind<With extends JsonObject = JsonObject> {
  type: string;
  /** One line for the documentation and the JSON Schema. */
  summary: string;
  /** One line for each field of `with`, which editors show. */
  fields?: Readonly<Record<string, string>>;
  /**
   * Schema of `with` as an author writes it. Where a value may be an expression, the schema must accept a string
   * holding `${{ }}` (see `orExpression` in flow/fields.ts); `run` checks the evaluated value again where it matters.
   */
  with: z.ZodType;
  defaultTimeoutMs: number;
  /** What the schema of `with` cannot say. */
  check?(source: With): Promise<WithProblem[]>;
  /** Names of the fields of the result, where `with` says all of them. */
  resultFields?(source: With): string[] | undefined;
  /** Branches in addition to `error` (and `timeout`, see `waits`). */
  ports?(source: With): string[];
  /**
   * Whether the unit waits for somebody or something. Its `timeout` then bounds the wait (default and maximum: the
   * run's ceiling), while `run`, `notify` and `resume` each take at most `defaultTimeoutMs`. It has the branch
   * `timeout`: where a node needs that branch, the engine records `done(null)` in place of the failure node-timed-out.
   */
  waits?(source: With): boolean;
  /** Why a flow with this node cannot run in a mode; the message appears with the node's line. */
  blocks?(source: With): { async?: string; sync?: string };
  /** Talks to the end user (question, reply): never inside `each`. */
  interactive?: boolean;
  /** Fields of `with` in which `$secrets` may be mentioned. */
  secretFields?: readonly string[];
  /** Secrets that `with` names outside of expressions (`auth: { secret: NAME }`). */
  secretNames?(source: With): string[];
  /** The flow that the node runs, where it is known before. */
  flowName?(source: With): string | undefined;
  /** The plugin that the node calls: one that the flow declares under `plugins`. */
  pluginName?(source: With): string;
  /** What else `with` names that belongs to the tenant, as it is written: a name may be an expression. */
  uses?(source: With): Pick<Use, 'resource' | 'name'>[];
  /** Fields of `with` whose strings are bare expressions, as paths: `cases[].when`. They arrive evaluated. */
  bareFields?: readonly string[];
  /** Fields of `with` that the kind reads itself (e.g. a template's text): passed on as written. */
  rawFields?: readonly string[];
  /** References in raw fields, written in another language: `{{ nodes.a.b }}` gives `$nodes.a.b`. They imply edges. */
  mentions?(source: With): string[];
  /** `$callback.url` may be used in `with`. */
  givesCallback?: boolean;
  /** Default `join`, where it is not `all`. */
  join?: 'settled';
}
