/** All SQL of the `sqlite:` engine. */

/** "AFTW": what the header of a file says that is ours. */
export const applicationId = 0x41465457
/** "AFTM": likewise of a queue that is being moved, or was, and that no process may work on. */
export const sealedId = 0x4146544d

/**
 * States of a row. One that runs, or may start any moment, is `ready` and has a row in `attempts` as well, so that a
 * start does not touch its wide row.
 */
export const rowState = {
  /** An earlier task of its group has not ended. */
  blocked: 0,
  ready: 1,
  scheduled: 2,
  /** Its response has not closed, and there is more to its release than that: a group, a delay or a key. */
  held: 3,
  succeeded: 5,
  failed: 6,
  cancelled: 7,
} as const

/** What `attempts.running` says. */
export const attemptState = {
  /** It may start any moment; whether it did is unknown until it says so or ends. */
  armed: 0,
  running: 1,
  /** With no other task beside it in the process. */
  alone: 2,
} as const

/** Bits of `tasks.flags`. */
export const flag = { onlyAfterSuccess: 1, onEnded: 2, atMostOnce: 4, grouped: 8, files: 16 } as const

/** What `done` of a turn says; it stays when the task is retried by hand. */
export const done = { no: 0, well: 1, badly: 2 } as const

/** Each brings a file to the version after it; `user_version` counts those that were applied. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,          -- order of arrival
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    grp TEXT,                         -- NULL: its own id
    pool TEXT NOT NULL,
    rank INTEGER NOT NULL,            -- minus its priority
    flags INTEGER NOT NULL,
    state INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,  -- whether its turn in the group is over, and how
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    suspect INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    args TEXT NOT NULL,
    options TEXT,                     -- JSON of those that are not the defaults
    files TEXT,                       -- JSON
    key TEXT,                         -- its unique key
    bytes INTEGER NOT NULL,           -- of args
    added_at INTEGER NOT NULL,
    run_at INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    ended INTEGER,                    -- order in which tasks ended
    expires_at INTEGER,               -- when it is forgotten, where that is not the default time after its end
    result TEXT,
    error TEXT,
    progress TEXT
  );
  CREATE UNIQUE INDEX tasks_by_id ON tasks (id);
  CREATE INDEX tasks_ready ON tasks (pool, name, rank, seq) WHERE state = 1;
  CREATE INDEX tasks_due ON tasks (run_at, seq) WHERE state = 2;
  CREATE INDEX tasks_scheduled ON tasks (id) WHERE state = 2;
  CREATE INDEX tasks_held ON tasks (seq) WHERE state = 3;
  CREATE INDEX tasks_failed ON tasks (id) WHERE state = 6;
  CREATE INDEX tasks_cancelled ON tasks (id) WHERE state = 7;
  CREATE INDEX tasks_suspect ON tasks (seq) WHERE suspect = 1;
  CREATE INDEX tasks_ended ON tasks (ended) WHERE ended IS NOT NULL;
  CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX tasks_of_group ON tasks (grp, done, seq) WHERE grp IS NOT NULL;
  CREATE UNIQUE INDEX tasks_live_key ON tasks (name, key) WHERE key IS NOT NULL AND state < 5;

  -- Tasks that run or may start any moment.
  CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY,
    running INTEGER NOT NULL,
    at INTEGER NOT NULL
  );

  -- A second id of a task with a unique key, which has a turn in a group of its own.
  CREATE TABLE aliases (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    grp TEXT NOT NULL,
    target INTEGER,                   -- NULL: forgotten
    held INTEGER NOT NULL,
    reached INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX aliases_of_group ON aliases (grp, done, seq);
  CREATE INDEX aliases_of_target ON aliases (target);

  CREATE TABLE file_uses (
    file TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (file, seq)
  ) WITHOUT ROWID;

  -- Starts of tasks with a rate limit, for as long as its window.
  CREATE TABLE rated_starts (name TEXT NOT NULL, at INTEGER NOT NULL);
  CREATE INDEX rated_starts_by_name ON rated_starts (name, at);

  CREATE TABLE paused_pools (pool TEXT PRIMARY KEY) WITHOUT ROWID;

  CREATE TABLE totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    queued INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    running INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    bytes INTEGER NOT NULL,           -- of tasks that have not ended
    turns INTEGER NOT NULL,           -- of groups with more than one, and of aliases, that are not over
    seq INTEGER NOT NULL,             -- the last that was given
    ended INTEGER NOT NULL            -- likewise
  );
  -- Answers under an Idempotency-Key.
  CREATE TABLE receipts (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  );
  CREATE INDEX receipts_expiring ON receipts (expires_at);
  INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  `,
]

/** Keys of `totals` that are kept, never counted. */
export const totalsKeys = [
  'queued',
  'scheduled',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'bytes',
  'turns',
  'seq',
  'ended',
] as const

/** What the main thread needs of a task that can be claimed, in the order of WaitingRow. */
const waiting = `t.seq, t.id, t.name, t.grp, t.flags, t.attempt, t.failures, t.suspect, t.args, t.options, t.bytes,
  t.added_at`

/** What a TaskRecord is made of. */
const record = `t.seq, t.id, t.name, t.grp, t.pool, t.rank, t.state, t.attempt, t.args, t.options, t.added_at, t.run_at,
  t.started_at, t.ended_at, t.result, t.error, t.progress, a.running, a.at`

/**
 * Statements of the store thread, which alone writes. Parameters have no numbers: node:sqlite of Node.js 22.18 refuses
 * those. A limit is an expression, for SQLite prepares a statement again whenever a bare parameter of LIMIT is bound.
 */
export const storeSql = {
  insert: `INSERT INTO tasks (seq, id, name, grp, pool, rank, flags, state, args, options, files, key, bytes, added_at, run_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  insertFile: 'INSERT OR IGNORE INTO file_uses (file, seq) VALUES (?, ?)',
  insertAlias: 'INSERT INTO aliases (seq, id, grp, target, held) VALUES (?, ?, ?, ?, ?)',
  living: 'SELECT seq FROM tasks WHERE name = ? AND key = ? AND key IS NOT NULL AND state < 5',

  byId: `SELECT t.seq, t.id, t.grp, t.name, t.state, t.done, t.key, t.bytes, t.flags, t.files, a.running
    FROM tasks t LEFT JOIN attempts a USING (seq) WHERE t.id = ?`,
  aliasById: 'SELECT seq, id, grp, target, held, done FROM aliases WHERE id = ?',
  idOf: 'SELECT id FROM tasks WHERE seq = ?',
  stateOf: 'SELECT state FROM tasks WHERE seq = ?',
  doneOf: 'SELECT done FROM tasks WHERE seq = ?',
  waiting: `SELECT ${waiting} FROM tasks t WHERE t.seq = ?`,
  record: `SELECT ${record} FROM tasks t LEFT JOIN attempts a USING (seq) WHERE t.seq = ?`,
  ended: 'SELECT id, grp, state, flags, options, files, bytes FROM tasks WHERE seq = ?',

  arm: 'INSERT OR IGNORE INTO attempts (seq, running, at) SELECT value, 0, 0 FROM json_each(?)',
  // WHERE true: or ON would belong to the SELECT. What runs already is no change.
  start: `INSERT INTO attempts (seq, running, at) SELECT value, ?, ? FROM json_each(?) WHERE true
    ON CONFLICT (seq) DO UPDATE SET running = excluded.running, at = excluded.at WHERE attempts.running = 0`,
  unarm: 'DELETE FROM attempts WHERE running = 0',
  rateStart: 'INSERT INTO rated_starts (name, at) VALUES (?, ?)',
  forgetStarts: 'DELETE FROM rated_starts WHERE name = ? AND at <= ?',
  ratedStarts: 'SELECT name, at FROM rated_starts ORDER BY at',
  // In two steps, for RETURNING makes a table of its own each time.
  attempt: 'SELECT running FROM attempts WHERE seq = ?',
  endAttempt: 'DELETE FROM attempts WHERE seq = ?',
  end: `UPDATE tasks SET state = ?, done = CASE done WHEN 0 THEN ? ELSE done END, attempt = ?, started_at = ?,
    ended_at = ?, ended = ?, expires_at = ?, result = ?, error = ?, progress = ?, suspect = 0, crashes = 0
    WHERE seq = ?`,
  again: `UPDATE tasks SET state = ?, attempt = ?, started_at = ?, failures = failures + ?, run_at = ifnull(?, run_at),
    error = ?, progress = ?, suspect = ?, crashes = 0 WHERE seq = ?`,
  cancel: `UPDATE tasks SET state = 7, done = CASE done WHEN 0 THEN 2 ELSE done END, ended_at = ?, ended = ?,
    expires_at = ?, error = ? WHERE seq = ?`,
  retry: `UPDATE tasks SET state = 1, failures = 0, ended_at = NULL, ended = NULL, expires_at = NULL, run_at = NULL,
    progress = NULL WHERE seq = ?`,
  setState: 'UPDATE tasks SET state = ? WHERE seq = ?',

  // Turns of a group: its first task, whose id it has, and those that say so.
  firstOfGroup: 'SELECT seq, state, done, flags, run_at FROM tasks WHERE id = ?',
  nextOfGroup: `SELECT seq, state, done, flags, run_at FROM tasks
    WHERE grp = ? AND grp IS NOT NULL AND done = 0 ORDER BY seq LIMIT 1`,
  nextAlias: 'SELECT seq, target, held, reached FROM aliases WHERE grp = ? AND done = 0 ORDER BY seq LIMIT 1',
  troubled: `SELECT EXISTS (SELECT 1 FROM tasks WHERE grp = ? AND grp IS NOT NULL AND done = 2 AND seq < ?)
    OR EXISTS (SELECT 1 FROM tasks WHERE id = ? AND done = 2 AND seq < ?)
    OR EXISTS (SELECT 1 FROM aliases WHERE grp = ? AND done = 2 AND seq < ?) AS troubled`,
  reachAlias: 'UPDATE aliases SET reached = 1 WHERE seq = ?',
  endAlias: 'UPDATE aliases SET done = ? WHERE seq = ?',
  releaseAlias: 'UPDATE aliases SET held = 0 WHERE seq = ?',
  followers: 'SELECT DISTINCT grp FROM aliases WHERE target = ? AND done = 0 AND reached = 1 ORDER BY seq',
  aliasesOf: 'SELECT count(*) AS count FROM aliases WHERE target = ?',
  forgottenAliases: 'DELETE FROM aliases WHERE grp = ? AND target IS NULL',

  due: `SELECT ${waiting} FROM tasks t WHERE t.state = 2 AND t.run_at <= ? ORDER BY t.run_at, t.seq LIMIT ? + 0`,
  nextDue: 'SELECT min(run_at) AS at FROM tasks WHERE state = 2',
  refill: `SELECT ${waiting} FROM tasks t WHERE t.state = 1 AND t.pool = ? AND t.name = ? AND (t.rank, t.seq) > (?, ?)
    ORDER BY t.rank, t.seq LIMIT ? + 0`,
  nextLane: `SELECT pool, name FROM tasks WHERE state = 1 AND (pool, name) > (?, ?) ORDER BY pool, name LIMIT 1`,

  // What is forgotten.
  oldest: 'SELECT seq, state, files, ended_at FROM tasks WHERE ended IS NOT NULL ORDER BY ended LIMIT ? + 0',
  expired: 'SELECT seq, state, files FROM tasks WHERE expires_at < ? LIMIT ? + 0',
  forget: 'DELETE FROM tasks WHERE seq = ?',
  forgetFile: 'DELETE FROM file_uses WHERE file = ? AND seq = ?',
  orphanAliases: 'UPDATE aliases SET done = ?, target = NULL WHERE target = ? AND done = 0',
  forgetAliases: 'DELETE FROM aliases WHERE target = ?',
  removeAlias: 'DELETE FROM aliases WHERE seq = ?',

  receipt: 'SELECT 1 FROM receipts WHERE key = ? AND expires_at > ?',
  insertReceipt: 'INSERT OR REPLACE INTO receipts (key, fingerprint, answer, expires_at) VALUES (?, ?, ?, ?)',
  removeReceipt: 'DELETE FROM receipts WHERE key = ?',
  forgetReceipts:
    'DELETE FROM receipts WHERE key IN (SELECT key FROM receipts WHERE expires_at <= ? ORDER BY expires_at LIMIT ? + 0)',

  pause: 'INSERT OR IGNORE INTO paused_pools (pool) VALUES (?)',
  resume: 'DELETE FROM paused_pools WHERE pool = ?',
  paused: 'SELECT pool FROM paused_pools',

  totals: 'SELECT * FROM totals',
  saveTotals: `UPDATE totals SET queued = ?, scheduled = ?, running = ?, succeeded = ?, failed = ?, cancelled = ?, bytes = ?,
    turns = ?, seq = ?, ended = ?`,

  // Recovery.
  interrupted: `SELECT a.seq, a.running, a.at, t.attempt, t.crashes, t.flags, t.name FROM attempts a JOIN tasks t USING (seq)
    WHERE a.running > 0 ORDER BY t.rank, t.seq`,
  clearAttempts: 'DELETE FROM attempts WHERE running > 0',
  suspect: `UPDATE tasks SET attempt = attempt + 1, started_at = ?, suspect = 1, crashes = ?, progress = NULL WHERE seq = ?`,
  // With those that may have run, of which nothing is charged.
  suspects: `SELECT ${waiting} FROM tasks t WHERE t.state = 1
    AND t.seq IN (SELECT seq FROM tasks WHERE suspect = 1 UNION SELECT seq FROM attempts WHERE running = 0)
    ORDER BY t.suspect DESC, t.rank, t.seq`,
  heldTasks: 'SELECT seq, id, grp FROM tasks WHERE state = 3 ORDER BY seq',
  heldAliases: 'SELECT seq, grp FROM aliases WHERE held = 1 ORDER BY seq',
} as const

/** Statements of the reader thread, on a connection that cannot write. */
export const readerSql = {
  get: `SELECT ${record} FROM tasks t LEFT JOIN attempts a USING (seq) WHERE t.id = ?`,
  aliased: `SELECT ${record} FROM aliases l JOIN tasks t ON t.seq = l.target LEFT JOIN attempts a ON a.seq = t.seq
    WHERE l.id = ?`,
  receipt: 'SELECT fingerprint, answer FROM receipts WHERE key = ? AND expires_at > ?',
  // The oldest of each kind of ready task that does not run, the kinds one after the other: no look at the rest.
  oldestReady: `SELECT pool, name, rank, added_at FROM tasks t WHERE state = 1 AND (pool, name, rank) > (?, ?, ?)
    AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.seq = t.seq AND a.running > 0)
    ORDER BY pool, name, rank, seq LIMIT 1`,
  oldestHeld: 'SELECT added_at FROM tasks WHERE state = 3 ORDER BY seq LIMIT 1',
  file: `SELECT t.files, t.state, t.ended_at FROM file_uses u JOIN tasks t USING (seq) WHERE u.file = ? ORDER BY t.seq`,
} as const

/** Columns of `tasks` in the order in which a row has them, for `tasks recover`, which reads rows without SQLite. */
export const taskColumns = [
  ...(['seq', 'id', 'name', 'grp', 'pool', 'rank', 'flags', 'state', 'done', 'attempt', 'failures'] as const),
  ...(['suspect', 'crashes', 'args', 'options', 'files', 'key', 'bytes', 'added_at', 'run_at'] as const),
  ...(['started_at', 'ended_at', 'ended', 'expires_at', 'result', 'error', 'progress'] as const),
] as const

/** Statements of `tasks recover`, on the new file. */
export const recoverSql = {
  roots: 'SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0',
  tables: "SELECT name FROM sqlite_schema WHERE type = 'table'",
  totalsRow: 'SELECT one FROM totals',
  // One whose id or live key is there already is passed over.
  task: `INSERT OR IGNORE INTO tasks (${taskColumns.join()}) VALUES (?${', ?'.repeat(taskColumns.length - 1)})`,
  attempt: 'INSERT OR IGNORE INTO attempts (seq, running, at) VALUES (?, ?, ?)',
  savedReceipt: 'INSERT OR IGNORE INTO receipts (key, fingerprint, answer, expires_at) VALUES (?, ?, ?, ?)',
  alias: `INSERT OR IGNORE INTO aliases (seq, id, grp, target, held, reached, done) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  // What may have started must not start twice: the next start fails it.
  doubt: `INSERT INTO attempts (seq, running, at) SELECT seq, 1, ? FROM tasks
    WHERE state < 5 AND (state = 1 OR ?) AND (flags & 4) <> 0 ON CONFLICT (seq) DO UPDATE SET running = max(running, 1)`,
  strayAttempts: `DELETE FROM attempts WHERE seq NOT IN (SELECT seq FROM tasks WHERE state = 1 OR (state < 5 AND running > 0))`,
  // What ran was ready, whatever an older page says.
  startedReady:
    'UPDATE tasks SET state = 1 WHERE state < 5 AND seq IN (SELECT seq FROM attempts WHERE running > 0)',
  // As though the task of the alias were forgotten; whoever asks for success must not take it for one.
  lostTargets: `UPDATE aliases SET done = 2, target = NULL, held = 0 WHERE done = 0 AND target NOT IN (SELECT seq FROM tasks)`,
  strayAliases: `DELETE FROM aliases WHERE id IN (SELECT id FROM tasks)
    OR (target IS NOT NULL AND target NOT IN (SELECT seq FROM tasks)) OR (target IS NULL AND done = 0)`,
  // Without its predecessors nobody would ever let such a turn come.
  leaderless: `SELECT grp, min(seq) AS seq, state FROM (SELECT ifnull(grp, id) AS grp, seq, state FROM tasks WHERE done = 0
    UNION ALL SELECT grp, seq, NULL FROM aliases WHERE done = 0) GROUP BY grp HAVING state = 0`,
  cautious: `SELECT seq FROM tasks WHERE grp = ? AND seq >= ? AND state = 0 AND done = 0 AND (flags & 1) <> 0 ORDER BY seq`,
  groups:
    'SELECT ifnull(grp, id) AS grp FROM tasks WHERE state = 0 UNION SELECT grp FROM aliases WHERE done = 0',
  count: `UPDATE totals SET seq = max(?, ifnull((SELECT max(seq) FROM tasks), 0), ifnull((SELECT max(seq) FROM aliases), 0)),
    ended = max(?, ifnull((SELECT max(ended) FROM tasks), 0)),
    turns = (SELECT count(*) FROM tasks WHERE grp IS NOT NULL AND done = 0) + (SELECT count(*) FROM aliases WHERE done = 0),
    (queued, scheduled, running, succeeded, failed, cancelled, bytes) = (
      SELECT count(*) FILTER (WHERE state IN (0, 1, 3) AND ifnull(running, 0) = 0), count(*) FILTER (WHERE state = 2),
        count(*) FILTER (WHERE running > 0), count(*) FILTER (WHERE state = 5), count(*) FILTER (WHERE state = 6),
        count(*) FILTER (WHERE state = 7), ifnull(sum(bytes) FILTER (WHERE state < 5), 0)
      FROM tasks LEFT JOIN attempts USING (seq))`,
} as const

/** Statements of `afterwork move`. */
export const movingSql = {
  extent: 'SELECT count(*) AS tasks, min(ended) AS first, max(ended) AS last FROM tasks',
  lanes: `SELECT pool, name, max(ifnull(options LIKE '%"batch":true%', 0)) AS batch FROM tasks GROUP BY pool, name`,
  keys: 'SELECT id, name, key FROM tasks WHERE key IS NOT NULL AND state < 5',
  // A statement is read to its end while the rows before it are on their way.
  tasks: `SELECT t.seq, t.id, t.name, t.grp, t.state, t.done, t.attempt, t.failures, t.suspect, t.crashes, t.args, t.options,
      t.files, t.added_at, t.run_at, t.started_at, t.ended_at, t.ended, t.expires_at, t.result, t.error, t.progress,
      EXISTS (SELECT 1 FROM attempts a WHERE a.seq = t.seq) AS armed,
      EXISTS (SELECT 1 FROM tasks g WHERE g.grp = t.id AND g.grp IS NOT NULL)
        OR EXISTS (SELECT 1 FROM aliases g WHERE g.grp = t.id) AS leads
    FROM tasks t ORDER BY t.seq DESC`,
  aliases: `SELECT l.seq, l.id, l.grp, l.reached, l.done, t.id AS target FROM aliases l LEFT JOIN tasks t ON t.seq = l.target
    ORDER BY l.seq DESC`,
  starts: 'SELECT name, at FROM rated_starts',
  receipts: 'SELECT key, fingerprint, answer, expires_at AS expiresAt FROM receipts WHERE expires_at > ?',
  paused: 'SELECT pool FROM paused_pools ORDER BY pool',
  // Beside the tables of the engine, which knows nothing of it.
  seal: `CREATE TABLE moving (id TEXT NOT NULL, target TEXT NOT NULL, url TEXT NOT NULL); PRAGMA application_id = ${sealedId}`,
  sealed: 'SELECT id, target, url FROM moving',
  saveSeal: 'INSERT INTO moving (id, target, url) VALUES (?, ?, ?)',
  unseal: `DROP TABLE moving; PRAGMA application_id = ${applicationId}`,
} as const

const listed = {
  queued: 't.state IN (0, 1, 3) AND ifnull(a.running, 0) = 0',
  scheduled: 't.state = 2',
  running: 'a.running > 0',
  succeeded: 't.state = 5',
  failed: 't.state = 6',
  cancelled: 't.state = 7',
} as const

/** Newest first; parameters: name where `named`, the cursor where `after`, the limit. */
export function listSql(state: keyof typeof listed | undefined, named: boolean, after: boolean): string {
  // What runs is found from the few rows of `attempts`, everything else in the order of an index on the id.
  const from =
    state === 'running'
      ? 'attempts a CROSS JOIN tasks t USING (seq)'
      : 'tasks t LEFT JOIN attempts a USING (seq)'
  const conditions = [
    ...(state === undefined ? [] : [listed[state]]),
    ...(named ? ['t.name = ?'] : []),
    ...(after ? ['t.id < ?'] : []),
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  return `SELECT ${record} FROM ${from} ${where} ORDER BY t.id DESC LIMIT ?`
}
