// How data passes through a state: InputPath, ResultPath, OutputPath, and the limit on what states hand to each other.

import { StateFailure } from './failure.ts';
import { type Json, readPath, type Scope, writePath } from './path.ts';

// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
export const MAX_DATA_BYTES = 256 * 1_024;

export interface Filters {
  InputPath?: string | null | undefined;
  OutputPath?: string | null | undefined;
}

export function takeInput({ InputPath }: Filters, scope: Scope): Json {
  if (InputPath === null) return {};
  return InputPath === undefined ? scope.input : readPath(InputPath, scope);
}

/** The state's raw input with the result at ResultPath, or one of the two. */
export function placeResult(resultPath: string | null | undefined, input: Json, result: Json): Json {
  if (resultPath === null) return input;
  return writePath(resultPath ?? '$', input, result);
}

export function giveOutput({ OutputPath }: Filters, scope: Scope): Json {
  if (OutputPath === null) return {};
  return limited(OutputPath === undefined ? scope.input : readPath(OutputPath, scope));
}

export function limited(data: Json): Json {
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes <= MAX_DATA_BYTES) return data;
  const cause = `The state returned a result of ${bytes} bytes; states hand on at most ${MAX_DATA_BYTES}`;
  throw new StateFailure('States.DataLimitExceeded', cause);
}
