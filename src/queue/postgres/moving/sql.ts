import { named, type Names } from '../sql.ts'

/** Statements that take in the tasks of another queue; `$s` is the schema, `$b` that of pg-boss. */
const texts = {
  version: 'SELECT version FROM $s.version',
  now: 'SELECT $s.now_ms()::float8 AS now',
  id: 'SELECT $s.identity() AS id',

  // One move at a time. One whose process was killed ends soon; one whose machine is gone, when the connection is.
  begin: `SET LOCAL tcp_keepalives_idle = 15; SET LOCAL tcp_keepalives_interval = 5; SET LOCAL tcp_keepalives_count = 3;
    SET LOCAL lock_timeout = '5s'`,
  lock: `SELECT pg_advisory_xact_lock(hashtextextended('move', $lock))`,
  // Otherwise all tickets would be looked at once more when the transaction is committed.
  locked: `SET LOCAL lock_timeout TO DEFAULT; SET CONSTRAINTS $b.q_fkey, $b.dlq_fkey IMMEDIATE`,
  moved: 'SELECT value AS moved FROM $s.settings WHERE key = $1',
  save: 'INSERT INTO $s.settings VALUES ($1, $2)',

  conflicts: `SELECT x.id AS moved, t.id AS living, t.name FROM json_to_recordset($1) AS x (id uuid, name text, key text)
    JOIN $s.tasks t ON t.name = x.name AND t.key = x.key WHERE t.key IS NOT NULL AND t.state < 5`,
  // The places in the order of ending that the moved tasks have; a sequence knows no transaction.
  reserve: `SELECT setval('$s.ended', last_value + $1::bigint, true)::float8 - $1::bigint AS base FROM $s.ended`,
  tasks: `INSERT INTO $s.tasks (id, seq, name, grp, queue, pool, priority, flags, state, done, attempt, failures, suspect, crashes,
      concurrency, rate_max, rate_per, args, options, files, key, bytes, keep, run_at, started_at, ended_at, ended, expires_at,
      result, error, progress)
    SELECT * FROM json_to_recordset($1) AS x (id uuid, seq bigint, name text, grp uuid, queue text, pool text, priority integer,
      flags integer, state smallint, done smallint, attempt integer, failures integer, suspect boolean, crashes smallint,
      concurrency integer, rate_max integer, rate_per bigint, args text, options text, files text, key text, bytes integer,
      keep bigint, run_at bigint, started_at bigint, ended_at bigint, ended bigint, expires_at bigint, result text, error text,
      progress text)`,
  tickets: 'SELECT $s.ready($1)',
  // As though their process had just been found dead.
  lost: `UPDATE $b.job j SET state = 'retry' FROM unnest($1::uuid[], $2::text[]) AS x (id, queue) WHERE j.name = x.queue AND j.id = x.id`,
  files: `INSERT INTO $s.file_uses SELECT x.file, x.task FROM unnest($1::text[], $2::uuid[]) AS x (file, task) ON CONFLICT DO NOTHING`,
  aliases: `INSERT INTO $s.aliases (id, seq, grp, target, held, reached, done)
    SELECT id, seq, grp, target, false, reached, done FROM json_to_recordset($1) AS x (id uuid, seq bigint, grp uuid, target uuid,
      reached boolean, done smallint)`,
  starts: `INSERT INTO $s.rated_starts SELECT name, to_timestamp(at / 1000.0), '00000000-0000-0000-0000-000000000000', 0
    FROM json_to_recordset($1) AS x (name text, at float8)`,
  // An answer that there is under the same key stays.
  receipts: `INSERT INTO $s.receipts SELECT * FROM json_to_recordset($1) AS x (key text, fingerprint text, answer text,
      "expiresAt" bigint)
    ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
      WHERE receipts.expires_at <= $s.now_ms()`,
  pause: `INSERT INTO $s.pools (pool, paused) SELECT unnest($1::text[]), true ON CONFLICT (pool) DO UPDATE SET paused = true`,
  totals: `INSERT INTO $s.totals (queued, scheduled, running, succeeded, failed, cancelled, bytes) VALUES ($1, $2, 0, $3, $4, $5, $6)`,
  // Of pools, lanes, and what is due.
  tell: `SELECT $s.tell('p'), $s.tell('l')`,
  due: `SELECT $s.tell('d:' || min(run_at)) FROM $s.tasks WHERE state = 2 HAVING min(run_at) IS NOT NULL`,
  analyze: 'ANALYZE $s.tasks; ANALYZE $b.job',
} as const

export type MovingStatements = Readonly<Record<keyof typeof texts, { name: string; text: string }>>

/** Each without a name, for it is prepared once at most, except those of every batch. */
export function movingStatements(names: Names): MovingStatements {
  const entries = Object.entries(texts).map(([name, text]) => [
    name,
    { name: often.has(name) ? `move ${name}` : '', text: named(text, names) },
  ])
  return Object.fromEntries(entries) as MovingStatements
}

const often: ReadonlySet<string> = new Set(['conflicts', 'tasks', 'tickets', 'lost', 'files', 'aliases'])
