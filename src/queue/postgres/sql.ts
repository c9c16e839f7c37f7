import type { Statement } from './database.ts'

/** What a TaskRecord is made of. */
const record = `t.id, t.name, t.grp, t.pool, t.priority, t.state, t.attempt, t.args, t.options, t.files, t.seq::float8,
  t.run_at::float8, t.started_at::float8, t.ended_at::float8, t.result, t.error, t.progress,
  j.state = 'active' AND j.started_on IS NOT NULL AS running, extract(epoch FROM j.started_on)::float8 * 1000 AS begun`
const ticket = 'LEFT JOIN $b.job j ON j.name = t.queue AND j.id = t.id'

/** Statements of the engine; `$s` is its schema, `$b` that of pg-boss. */
const texts = {
  addSimple: 'SELECT $s.add_simple($1, $2, $3, $4, $5, $6) AS refused',
  addAndTell: 'CALL $s.add_and_tell($1, $2, $3, $4, $5, $6, NULL)',
  add: 'SELECT result, news FROM $s.add($1, $2, $3, $4, $5, $6, $7)',
  // Fails outside a transaction, and where there is no queue; nobody but a migration waits for it.
  inTransaction: 'LOCK TABLE $s.settings IN ACCESS SHARE MODE',
  // One text, which whatever makes the statement of it can do nothing to.
  addWithin: 'SELECT $s.add_within($1::text) AS refused',
  identity: 'SELECT $s.identity() AS id',
  agree: 'SELECT $s.agree($1, $2) AS value',
  release: 'SELECT $s.release($1) AS news',
  releaseAndTell: 'CALL $s.release_and_tell($1, $2, NULL)',
  discard: 'SELECT $s.discard($1, $2) AS news',
  undo: 'SELECT $s.now_ms()::float8 AS now, $s.undo($1, $2, $3) AS news',
  // A claim that is lost with the server was made for nothing; but one of a local function, which is gone once it has begun.
  claim: `SELECT rows, opens_in, busy FROM $s.claim($1, $2, $3, $4, $5, $6), set_config('synchronous_commit', 'off', true)`,
  claimLocal: 'SELECT rows, opens_in, busy FROM $s.claim($1, $2, $3, $4, $5, $6)',
  claimSuspect: 'SELECT $s.claim_suspect($1, $2, $3) AS rows',
  lost: 'SELECT $s.lost() AS news',
  note: 'SELECT $s.note($1, $2, $3) AS ids',
  giveBack: 'SELECT $s.give_back($1)',
  settleSimple: 'SELECT $s.settle_simple($1) AS ids',
  settle: 'SELECT recorded, news FROM $s.settle($1, $2)',
  progress: `UPDATE $s.tasks t SET progress = x.progress FROM json_to_recordset($1) AS x (id uuid, queue text, fence integer, progress text)
    WHERE t.id = x.id AND EXISTS (SELECT FROM $b.job j WHERE j.name = x.queue AND j.id = x.id AND j.state = 'active' AND j.retry_count = x.fence)`,
  cancel: 'SELECT result, id, owner, news FROM $s.cancel($1, $2, $3, $4, $5)',
  retry: 'SELECT result, id FROM $s.retry($1)',
  purge: `SELECT coalesce(a.target, $1) AS id, t.state, j.state = 'active' AND j.started_on IS NOT NULL AS running FROM (SELECT) one
    LEFT JOIN $s.aliases a ON a.id = $1 LEFT JOIN $s.tasks t ON t.id = coalesce(a.target, $1) ${ticket}`,
  remove: 'SELECT $s.remove($1)',
  due: 'SELECT $s.due($1)::float8 AS wait',
  forget: 'SELECT $s.forget($1, $2, $3)',
  forgetReceipts: `DELETE FROM $s.receipts WHERE key IN
    (SELECT key FROM $s.receipts WHERE expires_at <= $s.now_ms() ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
  tidy: 'SELECT $s.fold(), $s.forget($1, $2, $3)',
  bury: 'SELECT $s.bury($1) AS news',
  tell: 'SELECT $s.tell($1)',
  tellAll: 'SELECT $s.tell(what) FROM unnest($1::text[]) what',

  // back: the server has just come back, and others that are alive had no time yet to say so.
  join: `INSERT INTO $s.processes (host, pid, names, pools) VALUES ($1, $2, $3, $4) RETURNING id, $s.now_ms()::float8 AS now,
    clock_timestamp() - pg_postmaster_start_time() < interval '5 s' AND EXISTS (SELECT FROM $s.processes p
      WHERE p.seen_on > '-infinity' AND p.seen_on < pg_postmaster_start_time()) AS back`,
  leave: 'SELECT $s.leave($1, $2) AS news',
  look: `SELECT $s.now_ms()::float8 AS now,
    ARRAY(SELECT id FROM $s.tasks WHERE id = ANY ($1) AND cancel) AS cancels,
    EXISTS (SELECT FROM $b.job_common WHERE state = 'retry') AS lost,
    EXISTS (SELECT FROM $s.processes WHERE seen_on < clock_timestamp() - $2 * interval '1 second') AS dead,
    (SELECT count(*)::integer FROM $s.lanes) AS lanes,
    (SELECT coalesce(json_agg(p), '[]') FROM $s.pools p) AS pools,
    (SELECT coalesce(sum(succeeded + failed + cancelled), 0)::float8 FROM $s.totals) AS ended,
    (SELECT greatest(run_at - $s.now_ms(), 0)::float8 FROM $s.tasks WHERE state = 2 ORDER BY run_at LIMIT 1) AS due`,
  // Those who only take requests know names that they do not run.
  unknown: `SELECT DISTINCT n.name FROM $s.lanes n
    WHERE n.pool NOT LIKE 'local:%' AND EXISTS (SELECT FROM $b.job j WHERE j.name = n.queue AND j.state < 'active' AND NOT j.blocked)
    AND NOT EXISTS (SELECT FROM $s.processes p WHERE n.name = ANY (p.names)
      AND (n.pool = ANY (p.pools) OR NOT EXISTS (SELECT FROM $s.processes w WHERE n.pool = ANY (w.pools))))`,

  lanes: 'SELECT queue, pool, name, batch FROM $s.lanes',
  // Two unique indexes may say that it is there; DO UPDATE heeds but one of them.
  addLane: 'INSERT INTO $s.lanes (queue, pool, name, batch) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
  // A statement of its own, for one that another process adds just then is seen by the next.
  batchLane: 'UPDATE $s.lanes SET batch = true WHERE queue = $1 AND NOT batch',
  // Local functions of processes that are gone end with nobody.
  strayLanes: `SELECT queue FROM $s.lanes n WHERE n.pool LIKE 'local:%'
    AND NOT EXISTS (SELECT FROM $s.processes p WHERE n.pool = 'local:' || p.id)`,
  removeLanes: `DELETE FROM $s.lanes n WHERE n.pool LIKE 'local:%'
    AND NOT EXISTS (SELECT FROM $s.processes p WHERE n.pool = 'local:' || p.id)
    AND NOT EXISTS (SELECT FROM $s.tasks t WHERE t.queue = n.queue AND t.state < 5) RETURNING queue`,

  pause: `WITH changed AS (INSERT INTO $s.pools (pool, paused, failure) VALUES ($1, $2, $3)
      ON CONFLICT (pool) DO UPDATE SET paused = excluded.paused, failure = excluded.failure RETURNING sizes)
    SELECT sizes, $s.tell('p') FROM changed`,
  resize: `WITH changed AS (INSERT INTO $s.pools AS p (pool, sizes) VALUES ($1, $2::jsonb::text)
      ON CONFLICT (pool) DO UPDATE SET sizes = (coalesce(p.sizes, '{}')::jsonb || $2::jsonb)::text RETURNING sizes)
    SELECT sizes, $s.tell('p') FROM changed`,

  get: `SELECT ${record} FROM $s.tasks t ${ticket} WHERE t.id = $1`,
  aliased: `SELECT ${record} FROM $s.aliases l JOIN $s.tasks t ON t.id = l.target ${ticket} WHERE l.id = $1`,
  target: 'SELECT target FROM $s.aliases WHERE id = $1',
  records: `SELECT ${record} FROM $s.tasks t ${ticket} WHERE t.id = ANY ($1)`,
  counters: `SELECT coalesce(sum(queued), 0)::float8 AS queued, coalesce(sum(scheduled), 0)::float8 AS scheduled,
    coalesce(sum(running), 0)::float8 AS running, coalesce(sum(succeeded), 0)::float8 AS succeeded,
    coalesce(sum(failed), 0)::float8 AS failed, coalesce(sum(cancelled), 0)::float8 AS cancelled FROM $s.totals`,
  file: `SELECT t.files, t.state, t.ended_at::float8 FROM $s.file_uses u JOIN $s.tasks t ON t.id = u.task
    WHERE u.file = $1 ORDER BY t.seq`,
  // The first of each kind of ticket, and the first that is held.
  oldest: `SELECT min(at)::float8 AS at FROM (
    SELECT (SELECT extract(epoch FROM j.created_on) * 1000 FROM $b.job j WHERE j.name = n.queue AND j.state < 'active'
      AND NOT j.blocked ORDER BY j.priority DESC, j.created_on LIMIT 1) AS at FROM $s.lanes n
    UNION ALL SELECT min(seq) / 1000 FROM $s.tasks WHERE state = 3) firsts`,
  watched: `SELECT t.id, concat_ws(' ', t.state, t.attempt, t.run_at, j.state, j.started_on, hashtext(t.progress)) AS look
    FROM $s.tasks t ${ticket} WHERE t.id = ANY ($1)`,
  attempts: `SELECT a.attempt, a.state, a.started_at::float8, a.ended_at::float8, a.error, coalesce(p.host, d.host) AS host,
      coalesce(p.pid, d.pid) AS pid
    FROM $s.attempts a LEFT JOIN $s.processes p ON p.id = a.process LEFT JOIN $s.departed d ON d.id = a.process
    WHERE a.task = coalesce((SELECT target FROM $s.aliases WHERE id = $1), $1) ORDER BY a.attempt`,
  receipt: 'SELECT fingerprint, answer FROM $s.receipts WHERE key = $1 AND expires_at > $2',
} as const

export type StatementName = keyof typeof texts
export type Statements = Readonly<Record<StatementName, Statement>>

/** The names of the two schemas and the channel, as they stand in statements. */
export interface Names {
  schema: string
  boss: string
}

/** Puts the schemas' names into a text. */
export function named(text: string, { schema, boss }: Names): string {
  const lock = `hashtext('${schema}')`
  return text
    .replaceAll('$lock', lock)
    .replaceAll('$s.', `"${schema}".`)
    .replaceAll('$b.', `"${boss}".`)
    .replaceAll('$c', schema)
}

/** All statements, for these schemas. */
export function statementsFor(names: Names): Statements {
  const entries = Object.entries(texts).map(([name, text]) => [name, { name, text: named(text, names) }])
  return Object.fromEntries(entries) as Statements
}

const states: Record<string, string> = {
  queued: `t.state < 5 AND t.state <> 2 AND (j.state IS DISTINCT FROM 'active' OR j.started_on IS NULL)`,
  scheduled: 't.state = 2',
  running: `j.state = 'active' AND j.started_on IS NOT NULL`,
  succeeded: 't.state = 5',
  failed: 't.state = 6',
  cancelled: 't.state = 7',
}

/** Lists tasks newest first: of a state, of a name, older than a cursor; the parameters are those given, then the limit. */
export function listText(names: Names, state: string | undefined, name: boolean, cursor: boolean): Statement {
  const parameters = [name && 'name', cursor && 'cursor'].filter(Boolean)
  const place = (which: string): string => `$${parameters.indexOf(which) + 1}`
  const conditions = [
    state !== undefined && states[state],
    name && `t.name = ${place('name')}`,
    cursor && `t.id < ${place('cursor')}`,
  ].filter(Boolean)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  // Those that run are few, and known from their tickets.
  const join = state === 'running' ? ticket.replace('LEFT ', '') : ticket
  const text = `SELECT ${record} FROM $s.tasks t ${join} ${where} ORDER BY t.id DESC LIMIT $${parameters.length + 1}`
  return { name: `list ${state ?? 'all'} ${parameters.join()}`, text: named(text, names) }
}
