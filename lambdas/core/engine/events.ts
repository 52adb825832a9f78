// What a running slice tells whoever listens. Nothing here is stored: the same can be derived from the records.

import type { Failure } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { NodeRecord, NodeWait, Run } from '../run.ts';

export type RunEvent =
  | { type: 'run.started'; run: Run }
  | { type: 'node.started'; at: number; path: string; node: string; nodeType: string; inputs: JsonObject }
  | { type: 'node.delta'; at: number; path: string; text: string }
  | { type: 'node.retrying'; at: number; path: string; attempt: number; error: Failure; delayMs: number }
  | { type: 'node.waiting'; at: number; path: string; wait: NodeWait }
  | { type: 'node.finished'; at: number; record: NodeRecord }
  | { type: 'run.waiting'; run: Run }
  | { type: 'run.finished'; run: Run };

export type Emit = (event: RunEvent) => void;
