// The runtime table on one page. Every item of a run lives under RUN#<id>, so one query reads all of it.
//
//   pk                             sk                          holds
//   RUN#<id>                       RUN                         the run record (<= 1 KB: every status change pays for it)
//   RUN#<id>                       RUN#IN                      inputs, who started it; sealed: webhooks, credentials
//   RUN#<id>                       RUN#OUT                     outputs
//   RUN#<id>                       RUN#D#<n>                   delivery n with its attempts
//   RUN#<id>                       NODE#<path>                 the result of a unit
//   RUN#<id>                       SIG#<path>                  a signal
//   IDEM#<tenant>#<hash>           IDEM                        idempotency key → run
//   VALUE#<tenant>#<flow>#<hash>   <run id>                    value of a searchable input → run
//   FILE#<tenant>#<id>             FILE                        an uploaded file; its bytes are in S3
//   TEN#<tenant>                   SLOTS                       running: set of run ids, waiting: count
//   TEN#<tenant>                   SYNC                        running: set of run ids of synchronous calls
//   TEN#<tenant>                   WAIT#<9-prio>#<ms>#<id>     a queued run; the lowest key is next
//
//   index list: tenantKey + runId (newest last), with the attributes that lists filter by
//   index due:  dueShard + dueAt, sparse: only what the sweeper may have to repair

import { createHash } from 'node:crypto';
import { DUE_SHARDS, RETENTION_DAYS } from '../core/limits.ts';

export const LIST_INDEX = 'list';
export const DUE_INDEX = 'due';

export const META = 'RUN';
export const INPUTS = 'RUN#IN';
export const OUTPUTS = 'RUN#OUT';
export const SLOTS = 'SLOTS';
export const SYNC = 'SYNC';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export const runPk = (id: string): string => `RUN#${id}`;
export const tenantPk = (tenant: string): string => `TEN#${tenant}`;
export const deliverySk = (n: number): string => `RUN#D#${n}`;
export const nodeSk = (path: string): string => `NODE#${path}`;
export const signalSk = (path: string): string => `SIG#${path}`;
export const idempotencyPk = (tenant: string, key: string): string => `IDEM#${tenant}#${sha(key)}`;
export const valuePk = (tenant: string, flow: string, input: string, value: string): string =>
  `VALUE#${tenant}#${flow}#${sha(`${input}\n${value}`)}`;
export const waitSk = (run: { priority: number; createdAt: number; id: string }): string =>
  `WAIT#${9 - run.priority}#${String(run.createdAt).padStart(14, '0')}#${run.id}`;

/** Spreads the due index over a few partitions; any stable function of the key will do. */
export function dueShard(key: string): string {
  return String(createHash('md5').update(key).digest().readUInt8(0) % DUE_SHARDS);
}

/** DynamoDB's `ttl`: epoch seconds. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html */
export function expiry(nowMs: number): number {
  return Math.ceil(nowMs / 1_000) + RETENTION_DAYS * 86_400;
}
