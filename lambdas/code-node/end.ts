// What the end of the process means for the call.

import { findSyntaxProblem } from '../core/nodes/code/source.ts';
import type { CodeEnd, CodeFailure, CodeJob } from '../core/ports/runners.ts';
import type { ChildExit } from './process.ts';

const MESSAGE_CHARS = 2_000;
// V8's own message when the heap is full, after whatever the code printed.
const HEAP_IS_FULL =
  /\n?(?:<--- Last few GCs --->|#\s*\n# Fatal process out of memory|FATAL ERROR: [^\n]*out of memory)[\s\S]*$/;

export function readEnd(exit: ChildExit, { source, limits }: CodeJob): CodeEnd {
  const reported = exit.answer === undefined ? undefined : parseAnswer(exit.answer);
  if (reported?.kind === 'returned') return reported;
  const printed = exit.printed.replace(HEAP_IS_FULL, '');
  const failed = reported ?? explainExit(exit, limits);
  return {
    ...failed,
    // An error of syntax does not report its position to the code that loads the module.
    ...(failed.reason === 'not-loaded' && findSyntaxProblem(source)?.at),
    message: failed.message.slice(0, MESSAGE_CHARS),
    ...(printed !== '' && { printed }),
  };
}

type Failed = Extract<CodeEnd, { kind: 'failed' }>;

function parseAnswer(answer: string): CodeEnd | undefined {
  try {
    return JSON.parse(answer) as CodeEnd;
  } catch {
    return undefined;
  }
}

function explainExit({ stopped, status, printed }: ChildExit, limits: CodeJob['limits']): Failed {
  const failed = (reason: CodeFailure, message: string): Failed => ({ kind: 'failed', reason, message });
  if (stopped === 'timed-out') return failed('timed-out', 'main did not return in time');
  if (stopped === 'printed-too-much') return failed('too-large', `it printed more than ${limits.printedBytes} bytes`);
  if (stopped === 'answered-too-much') {
    return failed('too-large', `its result has more than ${limits.resultBytes} bytes`);
  }
  if (stopped === 'out-of-memory' || HEAP_IS_FULL.test(printed))
    return failed('out-of-memory', 'the memory is used up');
  return failed('exited', status);
}
