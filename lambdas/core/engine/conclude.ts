// How a unit ends: what is recorded of it, what the author's `output` and `onError` make of it, what the graph learns.

import { ApiError, type ErrorDetail, type Failure, PlatformFault } from '../errors.ts';
import { evaluateDeep } from '../expressions/evaluate.ts';
import { isLargerThan } from '../expressions/measure.ts';
import type { Json } from '../json.ts';
import { MAX_PAYLOAD_BYTES } from '../limits.ts';
import { failed, type Outcome } from '../nodes/node-kind.ts';
import { makeRedaction } from '../outbound/redact.ts';
import { UnopenedFile } from '../ports/files.ts';
import type { NodeRecord, Usage } from '../run.ts';
import { endedState, record, usageWith } from './record.ts';
import { type Attempt, type Slice, STOPPED, type Unit, type UnitEnd } from './slice.ts';

/** Records the end of the unit and says what it means for the graph. */
export async function conclude(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  outcome: Exclude<Outcome, { kind: 'wait' }>,
  items?: number,
): Promise<UnitEnd> {
  const first = slice.records.get(unit.path)?.startedAt ?? attempt.startedAt;
  const common = {
    path: unit.path,
    type: unit.node.type,
    attempts: attempt.number,
    startedAt: first,
    said: attempt.said,
  };
  const endedAt = slice.ports.clock.now();
  const end = await reshape(slice, unit, outcome);
  const { output, ...small } = end;
  const kept = items === undefined ? end : { ...small, items };
  const recorded = await record(slice, { ...common, ...kept, endedAt });
  if (recorded.kind === 'lost') return STOPPED;
  const ended = recorded.current;
  slice.emit({ type: 'node.finished', at: endedAt, record: ended });
  return { kind: 'ended', state: endedState(items === undefined ? ended : { ...ended, ...end }, unit.node) };
}

type End = Pick<NodeRecord, 'status' | 'output' | 'port' | 'error' | 'handled' | 'usage'>;

async function reshape(slice: Slice, unit: Unit, outcome: Exclude<Outcome, { kind: 'wait' }>): Promise<End> {
  const sum = usageWith(slice, unit, outcome.usage);
  const usage: { usage?: Usage } = sum ? { usage: sum } : {};
  if (outcome.kind === 'failed') return { ...(await failure(slice, unit, outcome)), ...usage };
  try {
    const output = await shaped(unit, outcome.result);
    if (isLargerThan(output, MAX_PAYLOAD_BYTES)) {
      const message = `The node's output is larger than ${MAX_PAYLOAD_BYTES / 1_048_576} MB: keep less of it with \`output:\``;
      return { ...(await failure(slice, unit, failed('payload-too-large', message))), ...usage };
    }
    return { status: 'succeeded', output, port: outcome.port, ...usage };
  } catch (error) {
    return { ...(await failure(slice, unit, fromThrown(slice, unit, error))), ...usage };
  }
}

function shaped({ node, bindings }: Unit, result: Json): Json | Promise<Json> {
  return node.output === undefined ? result : evaluateDeep(node.output, { ...bindings, result });
}

async function failure(slice: Slice, unit: Unit, outcome: Outcome): Promise<End> {
  const cause = outcome.kind === 'failed' ? outcome : { code: 'internal', message: 'The node failed unexpectedly' };
  const { onError } = unit.node;
  if (cause.code === 'node-timed-out' && unit.takes('timeout')) {
    return { status: 'succeeded', output: null, port: 'timeout' };
  }
  const error = buildFailure(slice, unit.path, cause);
  if (typeof onError === 'object') return { status: 'failed', error, ...(await instead(slice, unit, onError, error)) };
  const handled = onError === 'continue' || unit.takes('error');
  return { status: 'failed', error, ...(handled && { handled }) };
}

/** What `onError.output` gives in place of an output; where that fails too, the unit is not handled and says so. */
async function instead(slice: Slice, unit: Unit, onError: { output: Json }, { code, message }: Failure) {
  try {
    const output = await evaluateDeep(onError.output, { ...unit.bindings, error: { code, message } });
    return { handled: true, output };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const both = `${message}; and its default failed: ${error.message}`;
    return { error: buildFailure(slice, unit.path, { code: error.code, message: both }) };
  }
}

export function buildFailure(
  slice: Slice,
  path: string,
  { code, message, details }: { code: string; message: string; details?: ErrorDetail[] },
): Failure {
  const { clean } = makeRedaction(Object.values(slice.secrets));
  const cleaned = details?.map((detail) => ({ ...detail, message: clean(detail.message) }));
  return { code, message: clean(message), node: path, details: cleaned };
}

/** What a kind throws by mistake fails the unit, never the slice; a fault of the platform is not the unit's. */
export function fromThrown(slice: Slice, unit: Unit, error: unknown): Outcome {
  if (error instanceof PlatformFault) throw error;
  if (error instanceof ApiError) {
    return failed(error.code, error.message, { details: error.details });
  }
  if (error instanceof UnopenedFile) return failed('node-failed', error.message, { retryable: error.retryable });
  slice.ports.log.error('a node kind failed unexpectedly', { error, path: unit.path, type: unit.node.type });
  return failed('internal', 'The node failed unexpectedly');
}
