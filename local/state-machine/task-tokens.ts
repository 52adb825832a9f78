// Task tokens: opened when a waitForTaskToken task is scheduled, completed once by SendTaskSuccess or SendTaskFailure.
// A token is of one attempt: it ends with the attempt, and with the process.

import { randomUUID } from 'node:crypto';
import { ServiceRefusal, type StateFailure } from './failure.ts';
import type { Json } from './path.ts';

interface OpenTask {
  succeed(output: Json): void;
  fail(failure: StateFailure): void;
}

export interface TaskToken {
  token: string;
  /** Settles when the token is completed; never after `close`. */
  completion: Promise<Json>;
  close(): void;
}

export class TaskTokens {
  readonly #open = new Map<string, OpenTask>();
  readonly #knowsExecution: (arn: string) => boolean;

  constructor(knowsExecution: (arn: string) => boolean) {
    this.#knowsExecution = knowsExecution;
  }

  open(executionArn: string): TaskToken {
    const token = Buffer.from(JSON.stringify([executionArn, randomUUID()])).toString('base64');
    const { promise: completion, resolve: succeed, reject: fail } = Promise.withResolvers<Json>();
    this.#open.set(token, { succeed, fail });
    // The task may end by a timeout first; then nobody waits for this promise any more.
    completion.catch(() => {});
    return { token, completion, close: () => this.#open.delete(token) };
  }

  /** Throws what AWS answers where the token is malformed, of an unknown execution, or no longer waited for. */
  find(token: string): OpenTask {
    const open = this.#open.get(token);
    if (open) return open;
    const executionArn = readToken(token);
    if (executionArn === undefined) throw new ServiceRefusal('InvalidToken', "Invalid Token: 'Invalid token'");
    if (!this.#knowsExecution(executionArn)) throw new ServiceRefusal('TaskDoesNotExist', 'The task does not exist');
    throw new ServiceRefusal('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }

  complete(token: string, settle: (task: OpenTask) => void): void {
    settle(this.find(token));
    this.#open.delete(token);
  }
}

function readToken(token: string): string | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64').toString());
    return Array.isArray(parts) && parts.length === 2 && typeof parts[0] === 'string' ? parts[0] : undefined;
  } catch {
    return undefined;
  }
}
