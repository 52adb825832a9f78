// What is kept of executions, in SQLite: written at every state boundary, so that an execution goes on after SIGKILL.

import { DatabaseSync } from 'node:sqlite';
import type { Entry } from './execution.ts';
import type { Json } from './path.ts';

// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: closed executions are kept for 90 days
const KEPT_SECONDS = 90 * 24 * 60 * 60;

export type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionRow {
  arn: string;
  machine: string;
  name: string;
  status: Status;
  input: string;
  output: string | null;
  error: string | null;
  cause: string | null;
  /** Epoch seconds. */
  startedAt: number;
  endedAt: number | null;
  /** Where the execution goes on; null before its first state. */
  state: string | null;
  stateInput: string | null;
  enteredAt: number | null;
}

export interface EventRow {
  id: number;
  /** Epoch seconds. */
  at: number;
  type: string;
  /** JSON. */
  details: string;
}

export interface Ending {
  status: Exclude<Status, 'RUNNING'>;
  output?: Json;
  error?: string;
  cause?: string;
  endedAt: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS executions (
    arn TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, input TEXT NOT NULL,
    output TEXT, error TEXT, cause TEXT, startedAt REAL NOT NULL, endedAt REAL,
    state TEXT, stateInput TEXT, enteredAt REAL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS running ON executions (status) WHERE status = 'RUNNING';
  CREATE TABLE IF NOT EXISTS events (
    execution TEXT NOT NULL, id INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (execution, id)
  ) STRICT, WITHOUT ROWID;
`;

export class Journal {
  readonly #database: DatabaseSync;

  /** `null` keeps nothing beyond the process. */
  constructor(file: string | null, now: number) {
    this.#database = new DatabaseSync(file ?? ':memory:');
    this.#database.exec(SCHEMA);
    const before = now - KEPT_SECONDS;
    this.#run('DELETE FROM events WHERE execution IN (SELECT arn FROM executions WHERE endedAt < ?)', before);
    this.#run('DELETE FROM executions WHERE endedAt < ?', before);
  }

  start(row: Pick<ExecutionRow, 'arn' | 'machine' | 'name' | 'input' | 'startedAt'>): void {
    const columns =
      "INSERT INTO executions (arn, machine, name, status, input, startedAt) VALUES (?, ?, ?, 'RUNNING', ?, ?)";
    this.#run(columns, row.arn, row.machine, row.name, row.input, row.startedAt);
  }

  enter(arn: string, { state, input, at }: Entry): void {
    const update = 'UPDATE executions SET state = ?, stateInput = ?, enteredAt = ? WHERE arn = ?';
    this.#run(update, state, JSON.stringify(input), at, arn);
  }

  end(arn: string, { status, output, error, cause, endedAt }: Ending): void {
    const update = 'UPDATE executions SET status = ?, output = ?, error = ?, cause = ?, endedAt = ? WHERE arn = ?';
    const written = output === undefined ? null : JSON.stringify(output);
    this.#run(update, status, written, error ?? null, cause ?? null, endedAt, arn);
  }

  execution(arn: string): ExecutionRow | undefined {
    return this.#rows<ExecutionRow>('SELECT * FROM executions WHERE arn = ?', arn)[0];
  }

  /** Oldest first. */
  running(): ExecutionRow[] {
    return this.#rows<ExecutionRow>("SELECT * FROM executions WHERE status = 'RUNNING' ORDER BY rowid");
  }

  /** Newest first. */
  executions(query: { machine: string; status: string | undefined; skip: number; limit: number }): ExecutionRow[] {
    const select =
      'SELECT * FROM executions WHERE machine = ? AND status = coalesce(?, status) ORDER BY rowid DESC LIMIT ? OFFSET ?';
    return this.#rows<ExecutionRow>(select, query.machine, query.status ?? null, query.limit, query.skip);
  }

  /** The number of the event, counted from 1. */
  record(arn: string, event: Omit<EventRow, 'id'>): number {
    const [last] = this.#rows<{ id: number | null }>('SELECT max(id) AS id FROM events WHERE execution = ?', arn);
    const id = (last?.id ?? 0) + 1;
    this.#run('INSERT INTO events VALUES (?, ?, ?, ?, ?)', arn, id, event.at, event.type, event.details);
    return id;
  }

  events(arn: string, query: { reverse: boolean; skip: number; limit: number }): EventRow[] {
    const order = query.reverse ? 'DESC' : 'ASC';
    const select = `SELECT id, at, type, details FROM events WHERE execution = ? ORDER BY id ${order} LIMIT ? OFFSET ?`;
    return this.#rows<EventRow>(select, arn, query.limit, query.skip);
  }

  close(): void {
    this.#database.close();
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#database.prepare(sql).run(...values);
  }

  #rows<Row>(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#database.prepare(sql).all(...values) as Row[];
  }
}
