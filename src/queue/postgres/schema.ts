/**
 * The tables and functions of the `postgres:` engine, in a schema of their own beside that of pg-boss.
 * `$s` stands for the schema, `$b` for that of pg-boss, `$c` for the channel of NOTIFY, `$lock` for a number of the schema.
 */

/** States of a row of `tasks`. Whether a task that is ready runs, says its ticket: the job of pg-boss with its id. */
export const rowState = {
  /** An earlier task of its group has not ended. */
  blocked: 0,
  /** Its turn has come: it has a ticket. */
  ready: 1,
  scheduled: 2,
  /** Its response has not closed, and there is more to its release than that: a group, a delay or a key. */
  held: 3,
  /** It waits for nothing but its response: it has a ticket from its release on. */
  simple: 4,
  succeeded: 5,
  failed: 6,
  cancelled: 7,
} as const

/** Bits of `tasks.flags`. */
export const flag = { onlyAfterSuccess: 1, onEnded: 2, atMostOnce: 4, grouped: 8, files: 16 } as const

/** Seconds after which a ticket whose process gives no sign of life is another's; the shortest that pg-boss knows. */
export const leaseSeconds = 10

/** How many attempts of a task that did not end well are remembered, the last ones. */
const attemptsKept = 100
/** How many processes that are gone are remembered, the last ones. */
const departedKept = 10_000

/**
 * Every row is looked for by an index: the planner must not think otherwise while the tables are new, small, or just
 * emptied, for its plans are kept for as long as a connection lasts.
 */
const byIndex =
  'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan'

/**
 * A transaction that need not be on disk when it ends: what was to be remembered in the end comes with a later one.
 */
const unsynced = "PERFORM set_config('synchronous_commit', 'off', true);"

/** Each brings the schema to the version after it; `version` counts those that were applied. */
export const migrations: readonly string[] = [
  `
-- A queue of pg-boss for each pool and name. batch: tasks of it may share a slot.
CREATE TABLE $s.lanes (
  queue text PRIMARY KEY,
  pool text NOT NULL,
  name text NOT NULL,
  batch boolean NOT NULL DEFAULT false,
  UNIQUE (pool, name)
);

CREATE TABLE $s.tasks (
  id uuid PRIMARY KEY,
  seq bigint NOT NULL,              -- order of arrival: microseconds since 1970, by the clock of the database
  name text NOT NULL,
  grp uuid,                         -- NULL: its own id
  queue text NOT NULL,
  pool text NOT NULL,
  priority integer NOT NULL,
  flags integer NOT NULL,
  state smallint NOT NULL,
  done smallint NOT NULL DEFAULT 0, -- whether its turn in the group is over: 1 well, 2 badly
  attempt integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  suspect boolean NOT NULL DEFAULT false,
  alone boolean NOT NULL DEFAULT false,   -- it runs with nothing beside it in its process
  crashes smallint NOT NULL DEFAULT 0,
  cancel boolean NOT NULL DEFAULT false,  -- whoever runs it is asked to stop
  concurrency integer,
  rate_max integer,
  rate_per bigint,                  -- milliseconds
  args text NOT NULL,
  options text,                     -- JSON of those that are not the defaults
  files text,                       -- JSON
  key text,                         -- its unique key, as JSON
  bytes integer NOT NULL,           -- of args
  keep bigint,                      -- milliseconds that it is remembered, where that is not the default
  holder integer,                   -- the process whose request it is of
  run_at bigint,
  started_at bigint,
  ended_at bigint,
  ended bigint,                     -- order in which tasks ended
  expires_at bigint,
  result text,
  error text,
  progress text
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX tasks_live_key ON $s.tasks (name, key) WHERE key IS NOT NULL AND state < 5;
CREATE INDEX tasks_due ON $s.tasks (run_at, seq) WHERE state = 2;
CREATE INDEX tasks_held ON $s.tasks (holder) WHERE state IN (3, 4);
CREATE INDEX tasks_scheduled ON $s.tasks (id) WHERE state = 2;
CREATE INDEX tasks_failed ON $s.tasks (id) WHERE state = 6;
CREATE INDEX tasks_cancelled ON $s.tasks (id) WHERE state = 7;
CREATE INDEX tasks_ended ON $s.tasks (ended) WHERE ended IS NOT NULL;
CREATE INDEX tasks_expiring ON $s.tasks (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tasks_of_group ON $s.tasks (grp, done, seq) WHERE grp IS NOT NULL;
CREATE SEQUENCE $s.ended CACHE 1;

-- A second id of a task with a unique key, which has a turn in a group of its own.
CREATE TABLE $s.aliases (
  id uuid PRIMARY KEY,
  seq bigint NOT NULL,
  grp uuid NOT NULL,
  target uuid,                      -- NULL: forgotten
  held boolean NOT NULL,
  holder integer,
  reached boolean NOT NULL DEFAULT false,
  done smallint NOT NULL DEFAULT 0
);
CREATE INDEX aliases_of_group ON $s.aliases (grp, done, seq);
CREATE INDEX aliases_of_target ON $s.aliases (target);
CREATE INDEX aliases_held ON $s.aliases (holder) WHERE held;

CREATE TABLE $s.file_uses (file text NOT NULL, task uuid NOT NULL, PRIMARY KEY (file, task));

-- Starts of tasks with a rate limit, for as long as its window.
CREATE TABLE $s.rated_starts (name text NOT NULL, at timestamptz NOT NULL, task uuid NOT NULL, fence integer NOT NULL);
CREATE INDEX rated_starts_by_name ON $s.rated_starts (name, at);

-- What operators have set for all processes.
CREATE TABLE $s.pools (
  pool text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  failure text,                     -- JSON of why a task paused it; NULL: by hand
  sizes text                        -- JSON of those that were set
);

-- Counters are the sums of these; each transaction adds a row, and they are folded into one now and then.
CREATE TABLE $s.totals (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queued bigint NOT NULL DEFAULT 0,
  scheduled bigint NOT NULL DEFAULT 0,
  running bigint NOT NULL DEFAULT 0,
  succeeded bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  cancelled bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0   -- of tasks that have not ended
);

-- Answers under an Idempotency-Key.
CREATE TABLE $s.receipts (key text PRIMARY KEY, fingerprint text NOT NULL, answer text NOT NULL, expires_at bigint NOT NULL);
CREATE INDEX receipts_expiring ON $s.receipts (expires_at);

-- Processes that add or run tasks.
CREATE TABLE $s.processes (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_on timestamptz NOT NULL DEFAULT now(),
  seen_on timestamptz NOT NULL DEFAULT now(),
  names text[] NOT NULL,            -- of the tasks that it knows
  pools text[] NOT NULL             -- on which it works
);

-- Attempts that did not end well, for whoever looks for the reason.
CREATE TABLE $s.attempts (
  task uuid NOT NULL,
  attempt integer NOT NULL,
  process integer,
  started_at bigint,
  ended_at bigint NOT NULL,
  state text NOT NULL,
  error text,
  PRIMARY KEY (task, attempt)
);

-- What all processes agree on; id tells this queue from others.
CREATE TABLE $s.settings (key text PRIMARY KEY, value text NOT NULL);
INSERT INTO $s.settings VALUES ('id', gen_random_uuid());

-- Tickets whose process is gone; nearly always none.
CREATE INDEX IF NOT EXISTS afterwork_lost ON $b.job_common (name) WHERE state = 'retry';
`,
  `
-- Processes that are gone, for whoever reads of their attempts.
CREATE TABLE $s.departed (id integer PRIMARY KEY, host text NOT NULL, pid integer NOT NULL);
`,
]

/** Written anew with each version of the package that differs; `settings.functions` says which. */
export const functions: readonly string[] = [
  `
CREATE OR REPLACE FUNCTION $s.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$`,

  `
-- What can be claimed concerns those who work; but a local function any process may have. Where there is hardly room for news, for
-- somebody does not read them, nothing is told: a transaction that finds none at its end is undone, and a look finds it all.
-- PostgreSQL itself warns from half on.
CREATE OR REPLACE FUNCTION $s.tell(p_what text) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_notify(CASE WHEN p_what LIKE 'c:%' AND p_what NOT LIKE '%:local' THEN '$c.work' ELSE '$c' END, p_what)
  WHERE pg_notification_queue_usage() < 0.5
$$`,

  `
-- One transaction at a time changes a group, or a task that others wait for. There are only so many locks: a server keeps
-- all that are held in a table of fixed size.
CREATE OR REPLACE FUNCTION $s.lock_of(p_id uuid) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT (hashtextextended(p_id::text, 0) & 2047)::integer
$$`,

  `
CREATE OR REPLACE FUNCTION $s.lock(p_id uuid) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT pg_advisory_xact_lock($lock, $s.lock_of(p_id))
$$`,

  `
-- Which queue this is, also among copies of its database on one server.
CREATE OR REPLACE FUNCTION $s.identity() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT value || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())
  FROM $s.settings WHERE key = 'id'
$$`,

  `
-- The value that was given first under a key; NULL gives none.
CREATE OR REPLACE FUNCTION $s.agree(p_key text, p_value text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_value IS NOT NULL THEN INSERT INTO $s.settings VALUES (p_key, p_value) ON CONFLICT DO NOTHING; END IF;
  RETURN (SELECT value FROM $s.settings WHERE key = p_key);
END
$$`,

  `
-- The number of the lock that is held while a live task gets a unique key; as above, one of so many.
CREATE OR REPLACE FUNCTION $s.key_lock(p_name text, p_key text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (hashtextextended('key', $lock) >> 13) + (hashtextextended(p_name || ' ' || p_key, 0) & 4095)
$$`,

  `
-- Tasks whose turn has come get their tickets: the age of a task decides, not when its turn came. Each counts its claims
-- from a number of its own, so that a claim of an earlier ticket of the task is never taken for one of this. Those of tasks with
-- files have a mark, for processes that do not have these.
CREATE OR REPLACE FUNCTION $s.ticket(p_ids uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  INSERT INTO $b.job (id, name, priority, created_on, start_after, keep_until, retry_limit, expire_seconds,
      deletion_seconds, heartbeat_seconds, policy, group_id, group_tier, retry_count)
    SELECT t.id, t.queue, t.priority, to_timestamp(0) + t.seq * interval '1 microsecond', now(), 'infinity',
      2147483647, 2147483647, 0, ${leaseSeconds}, 'standard', t.name, CASE WHEN t.files IS NOT NULL THEN 'files' END,
      floor(random() * 1000000000)::integer
    FROM $s.tasks t WHERE t.id = ANY (p_ids)
    ON CONFLICT DO NOTHING;
END
$$`,

  `
-- Likewise, and all processes hear of it.
CREATE OR REPLACE FUNCTION $s.ready(p_ids uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  PERFORM $s.ticket(p_ids);
  PERFORM $s.tell('c:' || p.priority || ':' || p.pool)
    FROM (SELECT pool, max(priority) AS priority FROM $s.tasks WHERE id = ANY (p_ids) GROUP BY pool) p;
END
$$`,

  `
-- An attempt did not end well: of each task the last so many are remembered.
CREATE OR REPLACE FUNCTION $s.remember(p_task uuid, p_attempt integer, p_process integer, p_started_at bigint, p_at bigint,
  p_state text, p_error text) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  INSERT INTO $s.attempts (task, attempt, process, started_at, ended_at, state, error)
    VALUES (p_task, p_attempt, p_process, p_started_at, p_at, p_state, p_error) ON CONFLICT DO NOTHING;
  DELETE FROM $s.attempts WHERE task = p_task AND attempt <= p_attempt - ${attemptsKept};
END
$$`,

  `
-- A task ends. groups: those whose turn may have come; news: ids of those with an onEnded.
CREATE OR REPLACE FUNCTION $s.finish(p_id uuid, p_state integer, p_from text, p_at bigint, p_attempt integer,
  p_started_at bigint, p_result text, p_error text, p_progress text, OUT groups uuid[], OUT news text[])
LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  t record;
BEGIN
  UPDATE $s.tasks SET state = p_state,
      done = CASE WHEN done <> 0 THEN done WHEN p_state = 5 THEN 1 ELSE 2 END,
      attempt = coalesce(p_attempt, attempt), started_at = coalesce(p_started_at, started_at), ended_at = p_at,
      ended = nextval('$s.ended'), expires_at = p_at + keep, result = p_result, error = p_error, progress = p_progress,
      suspect = false, alone = false, crashes = 0, cancel = false
    WHERE id = p_id
    RETURNING id, name, grp, key, flags, bytes, attempt INTO t;
  INSERT INTO $s.totals (queued, scheduled, running, succeeded, failed, cancelled, bytes) VALUES (
    -(p_from = 'queued')::int, -(p_from = 'scheduled')::int, -(p_from = 'running')::int,
    (p_state = 5)::int, (p_state = 6)::int, (p_state = 7)::int, -t.bytes);
  groups := '{}';
  IF t.grp IS NOT NULL OR (t.flags & 8) <> 0 THEN groups := ARRAY[coalesce(t.grp, t.id)]; END IF;
  IF t.key IS NOT NULL THEN
    groups := groups || ARRAY(SELECT DISTINCT a.grp FROM $s.aliases a WHERE a.target = p_id AND a.done = 0 AND a.reached);
  END IF;
  news := CASE WHEN (t.flags & 2) <> 0 THEN ARRAY['e:' || p_id] ELSE '{}' END;
END
$$`,

  `
-- Gives every group its next turn. news: tasks that were cancelled because an earlier one failed, and that have an onEnded.
CREATE OR REPLACE FUNCTION $s.advance(p_groups uuid[], p_at bigint) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  stack uuid[] := p_groups;
  top integer := cardinality(p_groups);
  news text[] := '{}';
  g uuid;
  t record;
  a record;
  ended record;
  boundary bigint;
  target_state smallint;
BEGIN
  WHILE top > 0 LOOP
    g := stack[top];
    top := top - 1;
    PERFORM $s.lock(g);
    LOOP
      SELECT id, seq, name, state, flags, run_at INTO t FROM $s.tasks WHERE id = g AND done = 0;
      IF NOT FOUND THEN
        SELECT id, seq, name, state, flags, run_at INTO t FROM $s.tasks
          WHERE grp = g AND done = 0 ORDER BY seq LIMIT 1;
      END IF;
      SELECT id, seq, target, held INTO a FROM $s.aliases WHERE grp = g AND done = 0 ORDER BY seq LIMIT 1;
      IF a.id IS NOT NULL AND (t.id IS NULL OR a.seq < t.seq) THEN
        EXIT WHEN a.held;
        PERFORM $s.lock(a.target);
        SELECT state INTO target_state FROM $s.tasks WHERE id = a.target;
        IF target_state >= 5 THEN
          UPDATE $s.aliases SET done = CASE WHEN target_state = 5 THEN 1 ELSE 2 END WHERE id = a.id;
          CONTINUE;
        END IF;
        UPDATE $s.aliases SET reached = true WHERE id = a.id AND NOT reached;
        EXIT;
      END IF;
      IF t.id IS NULL THEN
        DELETE FROM $s.aliases WHERE grp = g AND target IS NULL;
        EXIT;
      END IF;
      EXIT WHEN t.state <> 0;
      IF (t.flags & 1) <> 0 AND (
        EXISTS (SELECT FROM $s.tasks WHERE grp = g AND done = 2 AND seq < t.seq)
        OR EXISTS (SELECT FROM $s.tasks WHERE id = g AND done = 2 AND seq < t.seq)
        OR EXISTS (SELECT FROM $s.aliases WHERE grp = g AND done = 2 AND seq < t.seq)
      ) THEN
        -- With those after it that are as careful, up to the first turn that is not.
        SELECT min(seq) INTO boundary FROM (
          SELECT min(seq) AS seq FROM $s.tasks
            WHERE grp = g AND done = 0 AND seq > t.seq AND ((flags & 1) = 0 OR state <> 0)
          UNION ALL SELECT min(seq) FROM $s.aliases WHERE grp = g AND done = 0) turns;
        WITH cancelled AS (
          UPDATE $s.tasks SET state = 7, done = 2, ended_at = p_at, ended = nextval('$s.ended'),
              expires_at = p_at + keep, suspect = false, alone = false, crashes = 0, cancel = false,
              error = json_build_object('name', 'AfterworkError',
                'message', name || ' runs only if the earlier tasks of its request succeed, and one did not',
                'code', 'AFTERWORK_PREDECESSOR_FAILED')::text
            WHERE (grp = g OR id = t.id) AND done = 0 AND seq >= t.seq AND (boundary IS NULL OR seq < boundary)
            RETURNING id, seq, flags, bytes
        )
        SELECT count(*) AS tasks, sum(bytes) AS bytes, array_agg(id) AS ids, array_agg('c:' || id ORDER BY seq) AS news,
            array_agg('e:' || id ORDER BY seq) FILTER (WHERE (flags & 2) <> 0) AS watched INTO ended FROM cancelled;
        INSERT INTO $s.totals (queued, cancelled, bytes) VALUES (-ended.tasks, ended.tasks, -ended.bytes);
        news := news || ended.news || coalesce(ended.watched, '{}');
        stack := stack[1:top] || ARRAY(SELECT DISTINCT grp FROM $s.aliases
          WHERE target = ANY (ended.ids) AND done = 0 AND reached);
        top := cardinality(stack);
        CONTINUE;
      END IF;
      IF t.run_at > $s.now_ms() THEN
        UPDATE $s.tasks SET state = 2 WHERE id = t.id;
        INSERT INTO $s.totals (queued, scheduled) VALUES (-1, 1);
        PERFORM $s.tell('d:' || t.run_at);
      ELSE
        UPDATE $s.tasks SET state = 1 WHERE id = t.id;
        PERFORM $s.ready(ARRAY[t.id]);
      END IF;
      EXIT;
    END LOOP;
  END LOOP;
  RETURN news;
END
$$`,

  `
-- Whether there is room for so much more; NULL bounds have no end.
CREATE OR REPLACE FUNCTION $s.full_by(p_tasks bigint, p_bytes numeric, p_max_tasks bigint, p_max_bytes bigint)
RETURNS text LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  n record;
BEGIN
  IF p_max_tasks IS NULL OR p_tasks = 0 THEN RETURN NULL; END IF;
  SELECT sum(queued + scheduled + running) AS live, sum(bytes) AS bytes INTO n FROM $s.totals;
  IF coalesce(n.live, 0) + p_tasks <= p_max_tasks AND coalesce(n.bytes, 0) + p_bytes <= p_max_bytes THEN RETURN NULL; END IF;
  RETURN 'full:' || coalesce(n.live, 0) || ':' || coalesce(n.bytes, 0);
END
$$`,

  `
-- Whether what is added comes too late: it was asked for so long ago that its caller may have been told that it is not
-- stored, or its process is gone. NULL is never too late.
CREATE OR REPLACE FUNCTION $s.is_late(p_holder integer, p_until bigint) RETURNS boolean LANGUAGE sql VOLATILE AS $$
  SELECT p_until IS NOT NULL AND ($s.now_ms() > p_until OR NOT EXISTS (SELECT FROM $s.processes WHERE id = p_holder))
$$`,

  `
-- Adds tasks that wait for nothing but their responses: no group, key, time or file. NULL, 'late', or how full it is.
CREATE OR REPLACE FUNCTION $s.add_simple(p_rows json, p_held boolean, p_holder integer, p_until bigint, p_max_tasks bigint,
  p_max_bytes bigint)
RETURNS text LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  base bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
  n record;
  refused text;
BEGIN
  IF $s.is_late(p_holder, p_until) THEN refused := 'late';
  ELSIF p_max_tasks IS NOT NULL THEN
    SELECT count(*) AS tasks, sum((r->>'bytes')::bigint) AS bytes INTO n FROM json_array_elements(p_rows) r;
    refused := $s.full_by(n.tasks, n.bytes, p_max_tasks, p_max_bytes);
  END IF;
  IF refused IS NOT NULL THEN
    -- Asked twice, for the first answer was lost: then all are there.
    RETURN CASE WHEN EXISTS (SELECT FROM json_to_recordset(p_rows) AS x (id uuid)
      WHERE NOT EXISTS (SELECT FROM $s.tasks t WHERE t.id = x.id)) THEN refused END;
  END IF;
  WITH added AS (
    INSERT INTO $s.tasks (id, seq, name, queue, pool, priority, flags, state, concurrency, rate_max, rate_per, args,
        options, bytes, keep, holder)
      SELECT id, base + place, name, queue, pool, priority, flags, 4, concurrency, rate_max, rate_per, args, options,
        bytes, keep, p_holder
      FROM ROWS FROM (json_to_recordset(p_rows) AS (id uuid, name text, queue text, pool text, priority integer, flags integer,
        concurrency integer, rate_max integer, rate_per bigint, args text, options text, bytes integer, keep bigint))
        WITH ORDINALITY AS r (id, name, queue, pool, priority, flags, concurrency, rate_max, rate_per, args, options, bytes, keep, place)
      ON CONFLICT (id) DO NOTHING
      RETURNING id, bytes
  )
  SELECT count(*) AS tasks, sum(bytes) AS bytes, array_agg(id) AS ids INTO n FROM added;
  IF n.tasks = 0 THEN RETURN NULL; END IF;
  INSERT INTO $s.totals (queued, bytes) VALUES (n.tasks, n.bytes);
  IF NOT p_held THEN PERFORM $s.ticket(n.ids); END IF;
  RETURN NULL;
END
$$`,

  `
-- Ends the transaction, and tells of it in one of its own: a commit that tells holds up all others that do until it is on
-- disk, and one that does nothing else writes nothing there.
CREATE OR REPLACE PROCEDURE $s.commit_and_tell(p_tell text[]) LANGUAGE plpgsql AS $$
BEGIN
  COMMIT;
  PERFORM $s.tell(what) FROM unnest(p_tell) what;
END
$$`,

  `
-- Adds such tasks that are not held, and tells of them once they are stored.
CREATE OR REPLACE PROCEDURE $s.add_and_tell(p_rows json, p_holder integer, p_until bigint, p_max_tasks bigint,
  p_max_bytes bigint, p_tell text[], INOUT refused text) LANGUAGE plpgsql AS $$
BEGIN
  refused := $s.add_simple(p_rows, false, p_holder, p_until, p_max_tasks, p_max_bytes);
  IF refused IS NULL THEN CALL $s.commit_and_tell(p_tell); END IF;
END
$$`,

  `
-- What is kept under the key of a receipt: NULL where there is nothing, 'own' where it is this very one, else 'receipt'.
CREATE OR REPLACE FUNCTION $s.kept(p_receipt json) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN answer = p_receipt->>'answer' AND expires_at = (p_receipt->>'expiresAt')::bigint THEN 'own' ELSE 'receipt' END
  FROM $s.receipts WHERE key = p_receipt->>'key'
$$`,

  `
-- Adds tasks of one request: all or none. result: NULL, 'late', 'receipt' where there is one with that key, or how full it is.
CREATE OR REPLACE FUNCTION $s.add(p_rows json, p_held boolean, p_holder integer, p_until bigint, p_max_tasks bigint,
  p_max_bytes bigint, p_receipt json, OUT result text, OUT news text[])
LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  base bigint;
  at bigint;
  r record;
  living uuid;
  kept text;
  changed uuid[] := '{}';
  simple uuid[] := '{}';
  added bigint := 0;
  added_bytes bigint := 0;
  new_state integer;
  n record;
BEGIN
  news := '{}';
  -- Asked twice, for the first answer was lost.
  SELECT (e->>'id')::uuid AS id INTO r FROM json_array_elements(p_rows) e LIMIT 1;
  IF EXISTS (SELECT FROM $s.tasks WHERE id = r.id) OR EXISTS (SELECT FROM $s.aliases WHERE id = r.id) THEN RETURN; END IF;
  IF $s.is_late(p_holder, p_until) THEN result := 'late'; RETURN; END IF;
  IF p_receipt IS NOT NULL THEN
    DELETE FROM $s.receipts WHERE key IN (
      SELECT key FROM $s.receipts WHERE expires_at <= $s.now_ms() ORDER BY expires_at LIMIT 4 FOR UPDATE SKIP LOCKED);
    DELETE FROM $s.receipts WHERE key = p_receipt->>'key' AND expires_at <= $s.now_ms();
    kept := $s.kept(p_receipt);
    IF kept IS NOT NULL THEN result := nullif(kept, 'own'); RETURN; END IF;
  END IF;
  IF p_max_tasks IS NOT NULL THEN
    SELECT count(*) AS tasks, sum(bytes) AS bytes INTO n FROM (
      SELECT DISTINCT ON (name, coalesce(key, id::text)) bytes
      FROM ROWS FROM (json_to_recordset(p_rows) AS (id uuid, name text, key text, bytes bigint))
        WITH ORDINALITY AS x (id, name, key, bytes, place)
      WHERE key IS NULL OR NOT EXISTS (
        SELECT FROM $s.tasks t WHERE t.name = x.name AND t.key = x.key AND t.key IS NOT NULL AND t.state < 5)
      ORDER BY name, coalesce(key, id::text), place) wanted;
    result := $s.full_by(n.tasks, n.bytes, p_max_tasks, p_max_bytes);
    IF result IS NOT NULL THEN RETURN; END IF;
  END IF;
  IF p_receipt IS NOT NULL THEN
    INSERT INTO $s.receipts VALUES (p_receipt->>'key', p_receipt->>'fingerprint', p_receipt->>'answer',
      (p_receipt->>'expiresAt')::bigint) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN result := nullif($s.kept(p_receipt), 'own'); RETURN; END IF;
  END IF;
  PERFORM pg_advisory_xact_lock($lock, locks.number) FROM (
    SELECT DISTINCT $s.lock_of(coalesce(grp, id)) AS number FROM json_to_recordset(p_rows) AS x (id uuid, grp uuid, key text)
    WHERE grp IS NOT NULL OR key IS NOT NULL ORDER BY 1) locks;
  base := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
  at := base / 1000;
  FOR r IN
    SELECT * FROM ROWS FROM (json_to_recordset(p_rows) AS (id uuid, name text, grp uuid, queue text, pool text,
      priority integer, flags integer, concurrency integer, rate_max integer, rate_per bigint, args text, options text,
      files text, key text, bytes integer, keep bigint, run_at bigint, delay bigint))
      WITH ORDINALITY AS x (id, name, grp, queue, pool, priority, flags, concurrency, rate_max, rate_per, args, options,
        files, key, bytes, keep, run_at, delay, place)
  LOOP
    LOOP
      IF r.key IS NOT NULL THEN
        SELECT id INTO living FROM $s.tasks WHERE name = r.name AND key = r.key AND state < 5;
        IF FOUND THEN
          INSERT INTO $s.aliases (id, seq, grp, target, held, holder)
            VALUES (r.id, base + r.place, coalesce(r.grp, r.id), living, p_held, CASE WHEN p_held THEN p_holder END);
          changed := changed || coalesce(r.grp, r.id);
          EXIT;
        END IF;
        -- Another transaction may be adding one, which may take as long as its user likes: this connection waits for nobody.
        IF NOT pg_try_advisory_xact_lock($s.key_lock(r.name, r.key)) THEN
          RAISE EXCEPTION 'Another transaction is adding a task of % with the same unique key', r.name
            USING ERRCODE = 'lock_not_available';
        END IF;
        CONTINUE WHEN EXISTS (SELECT FROM $s.tasks WHERE name = r.name AND key = r.key AND state < 5);
      END IF;
      new_state := CASE
        WHEN r.grp IS NULL AND (r.flags & 8) = 0 AND r.key IS NULL AND r.run_at IS NULL AND r.delay IS NULL THEN 4
        WHEN p_held THEN 3 ELSE 0 END;
      INSERT INTO $s.tasks (id, seq, name, grp, queue, pool, priority, flags, state, concurrency, rate_max, rate_per, args,
          options, files, key, bytes, keep, holder, run_at)
        VALUES (r.id, base + r.place, r.name, r.grp, r.queue, r.pool, r.priority, r.flags, new_state, r.concurrency,
          r.rate_max, r.rate_per, r.args, r.options, r.files, r.key, r.bytes, r.keep, p_holder,
          coalesce(r.run_at, at + r.delay))
        ON CONFLICT DO NOTHING;
      -- Not where another process has just added one with that key: then that is the living one.
      IF FOUND THEN
        added := added + 1;
        added_bytes := added_bytes + r.bytes;
        IF r.files IS NOT NULL THEN
          INSERT INTO $s.file_uses SELECT DISTINCT f->>'id', r.id FROM json_array_elements(r.files::json) f;
        END IF;
        IF r.grp IS NOT NULL THEN
          UPDATE $s.tasks SET flags = flags | 8 WHERE id = r.grp AND (flags & 8) = 0;
        END IF;
        IF new_state = 4 THEN simple := simple || r.id;
        ELSIF new_state = 0 THEN changed := changed || coalesce(r.grp, r.id);
        END IF;
        EXIT;
      END IF;
      -- Asked twice, and the first was still under way: it has stored all of them.
      IF EXISTS (SELECT FROM $s.tasks WHERE id = r.id) THEN RETURN; END IF;
    END LOOP;
  END LOOP;
  IF added > 0 THEN INSERT INTO $s.totals (queued, bytes) VALUES (added, added_bytes); END IF;
  IF NOT p_held AND cardinality(simple) > 0 THEN PERFORM $s.ticket(simple); END IF;
  IF cardinality(changed) > 0 THEN
    news := $s.advance(ARRAY(SELECT g FROM unnest(changed) WITH ORDINALITY u (g, i) GROUP BY g ORDER BY min(i) DESC), at);
  END IF;
END
$$`,

  `
-- Adds a task within a transaction of its user's own, which may go on for long: it waits for nobody but those who add the
-- same unique key, and locks nothing that others wait for. p: { queue, row, maxTasks, maxBytes }.
-- NULL, 'elsewhere' where this is not the queue that was meant, or how full it is.
CREATE OR REPLACE FUNCTION $s.add_within(p text) RETURNS text LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  given json := p::json;
  base bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
  r record;
  living uuid;
  refused text;
  due bigint;
  later boolean;
BEGIN
  IF given->>'queue' IS DISTINCT FROM $s.identity() THEN RETURN 'elsewhere'; END IF;
  SELECT * INTO r FROM json_to_record(given->'row') AS r (id uuid, name text, queue text, pool text, priority integer,
    flags integer, concurrency integer, rate_max integer, rate_per bigint, args text, options text, files text, key text,
    bytes integer, keep bigint, run_at bigint, delay bigint);
  IF r.key IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock($s.key_lock(r.name, r.key));
    SELECT id INTO living FROM $s.tasks WHERE name = r.name AND key = r.key AND state < 5;
    IF FOUND THEN
      -- Nobody waits for its turn, for it is alone in its group: it need not be told of the other's end.
      INSERT INTO $s.aliases (id, seq, grp, target, held) VALUES (r.id, base, r.id, living, false);
      RETURN NULL;
    END IF;
  END IF;
  refused := $s.full_by(1, r.bytes, (given->>'maxTasks')::bigint, (given->>'maxBytes')::bigint);
  IF refused IS NOT NULL THEN RETURN refused; END IF;
  due := coalesce(r.run_at, base / 1000 + r.delay);
  -- A ticket names its lane, whose row is written every few seconds: a transaction that sees the past only would fail by
  -- that. Its task is due at once instead, and others give it its ticket.
  later := coalesce(due > $s.now_ms(), false) OR current_setting('transaction_isolation') NOT LIKE 'read %committed';
  IF later THEN due := coalesce(due, base / 1000); END IF;
  INSERT INTO $s.tasks (id, seq, name, queue, pool, priority, flags, state, concurrency, rate_max, rate_per, args, options,
      files, key, bytes, keep, run_at)
    VALUES (r.id, base, r.name, r.queue, r.pool, r.priority, r.flags, CASE WHEN later THEN 2 ELSE 1 END, r.concurrency,
      r.rate_max, r.rate_per, r.args, r.options, r.files, r.key, r.bytes, r.keep, due)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Another transaction has added a task of % with the same unique key', r.name
      USING ERRCODE = 'serialization_failure';
  END IF;
  IF r.files IS NOT NULL THEN
    INSERT INTO $s.file_uses SELECT DISTINCT f->>'id', r.id FROM json_array_elements(r.files::json) f;
  END IF;
  INSERT INTO $s.totals (queued, scheduled, bytes) VALUES ((NOT later)::int, later::int, r.bytes);
  IF later THEN PERFORM $s.tell('d:' || due);
  ELSE PERFORM $s.ready(ARRAY[r.id]);
  END IF;
  RETURN NULL;
END
$$`,

  `
-- Held tasks and aliases go on; others are passed over.
CREATE OR REPLACE FUNCTION $s.release(p_ids uuid[]) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  simple uuid[];
  changed uuid[];
BEGIN
  SELECT array_agg(id) INTO simple FROM $s.tasks WHERE id = ANY (p_ids) AND state = 4;
  IF simple IS NOT NULL THEN PERFORM $s.ticket(simple); END IF;
  IF cardinality(simple) = cardinality(p_ids) THEN RETURN '{}'; END IF;
  PERFORM pg_advisory_xact_lock($lock, locks.number) FROM (
    SELECT $s.lock_of(coalesce(grp, id)) AS number FROM $s.tasks WHERE id = ANY (p_ids) AND state = 3
    UNION SELECT $s.lock_of(grp) FROM $s.aliases WHERE id = ANY (p_ids) AND held ORDER BY 1) locks;
  WITH tasks AS (
    UPDATE $s.tasks SET state = 0 WHERE id = ANY (p_ids) AND state = 3 RETURNING coalesce(grp, id) AS g, seq
  ), aliases AS (
    UPDATE $s.aliases SET held = false, holder = NULL WHERE id = ANY (p_ids) AND held RETURNING grp AS g, seq
  )
  SELECT array_agg(g ORDER BY seq DESC) INTO changed FROM (SELECT * FROM tasks UNION ALL SELECT * FROM aliases) all_of_them;
  RETURN CASE WHEN changed IS NULL THEN '{}' ELSE $s.advance(changed, $s.now_ms()) END;
END
$$`,

  `
-- Likewise, and tells of them once that is stored.
CREATE OR REPLACE PROCEDURE $s.release_and_tell(p_ids uuid[], p_tell text[], INOUT news text[]) LANGUAGE plpgsql AS $$
BEGIN
  news := $s.release(p_ids);
  CALL $s.commit_and_tell(p_tell);
END
$$`,

  `
-- What a process needs of a task that it has claimed, under the number of its claim.
CREATE OR REPLACE FUNCTION $s.claimed(t $s.tasks, p_fence integer) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('id', t.id, 'name', t.name, 'grp', t.grp, 'queue', t.queue, 'flags', t.flags,
    'attempt', t.attempt, 'failures', t.failures, 'suspect', t.suspect, 'cancel', t.cancel, 'args', t.args,
    'options', t.options, 'key', t.key, 'seq', t.seq, 'limited', t.concurrency IS NOT NULL OR t.rate_max IS NOT NULL,
    'fence', p_fence)
$$`,

  `
-- Takes tickets for a process: highest priority first, then oldest, as the limits of their names allow.
-- opens_in: milliseconds until a rate limit lets another start; busy: another process claims of a limited name just now.
CREATE OR REPLACE FUNCTION $s.claim(p_process integer, p_queues text[], p_slots integer, p_limits json, p_files boolean,
  p_lost boolean,
  OUT rows json, OUT opens_in double precision, OUT busy boolean)
LANGUAGE plpgsql VOLATILE ${byIndex} SET enable_bitmapscan = off AS $$
DECLARE
  ids uuid[] := '{}';
  r record;
  l json;
  most integer;
  per bigint;
  stopped text[] := '{}';
  seen text[] := '{}';
  running integer[] := '{}';
  starts integer[] := '{}';
  place integer;
  window_end timestamptz;
  free integer := p_slots;
  shared integer := 0;
  queues text[] := '{}';
  rated uuid[] := '{}';
BEGIN
  busy := false;
  FOR r IN
    SELECT t.id, t.name, t.queue, t.flags, t.concurrency, t.rate_max, t.rate_per,
      lane.batch AND t.options LIKE '%"batch":true%' AS batch
    FROM unnest(p_queues) q (queue)
    JOIN $s.lanes lane ON lane.queue = q.queue
    CROSS JOIN LATERAL (
      SELECT j.id, j.priority, j.created_on FROM $b.job j
      WHERE j.name = q.queue AND j.state < 'active' AND NOT j.blocked AND (p_lost OR j.state = 'created')
        AND (p_files OR j.group_tier IS NULL)
      ORDER BY j.priority DESC, j.created_on LIMIT CASE WHEN lane.batch THEN p_slots * 64 ELSE p_slots END
      FOR UPDATE SKIP LOCKED
    ) c
    JOIN $s.tasks t ON t.id = c.id
    ORDER BY c.priority DESC, c.created_on, c.id
  LOOP
    CONTINUE WHEN r.name = ANY (stopped);
    l := p_limits->r.name;
    most := coalesce((l->>'concurrency')::integer, r.concurrency);
    per := coalesce((l->'rateLimit'->>'per')::double precision, r.rate_per);
    r.rate_max := coalesce((l->'rateLimit'->>'max')::integer, r.rate_max);
    IF r.batch AND shared > 0 THEN NULL;
    ELSIF free = 0 THEN EXIT;
    END IF;
    IF most IS NOT NULL OR r.rate_max IS NOT NULL THEN
      place := array_position(seen, r.name);
      IF place IS NULL THEN
        IF NOT pg_try_advisory_xact_lock(hashtextextended('limit ' || r.name, $lock)) THEN
          busy := true;
          stopped := stopped || r.name;
          CONTINUE;
        END IF;
        seen := seen || r.name;
        place := cardinality(seen);
        running[place] := (SELECT count(*) FROM $b.job j JOIN $s.lanes n ON n.queue = j.name
          WHERE n.name = r.name AND j.state = 'active' AND j.group_id = r.name);
        IF r.rate_max IS NOT NULL THEN
          DELETE FROM $s.rated_starts s WHERE s.name = r.name AND s.at <= clock_timestamp() - per * interval '1 millisecond';
        END IF;
        starts[place] := (SELECT count(*) FROM $s.rated_starts s WHERE s.name = r.name);
      END IF;
      IF running[place] >= most THEN
        stopped := stopped || r.name;
        CONTINUE;
      END IF;
      IF starts[place] >= r.rate_max THEN
        SELECT min(s.at) + per * interval '1 millisecond' INTO window_end FROM $s.rated_starts s WHERE s.name = r.name;
        opens_in := least(opens_in, extract(epoch FROM window_end - clock_timestamp()) * 1000);
        stopped := stopped || r.name;
        CONTINUE;
      END IF;
      running[place] := running[place] + 1;
      IF r.rate_max IS NOT NULL THEN
        starts[place] := starts[place] + 1;
        rated := rated || r.id;
      END IF;
    END IF;
    IF r.batch AND shared > 0 THEN shared := shared - 1;
    ELSE
      free := free - 1;
      IF r.batch THEN shared := 63; END IF;
    END IF;
    ids := ids || r.id;
    queues := queues || r.queue;
  END LOOP;
  IF cardinality(ids) > 0 THEN
    -- A statement of its own, whose snapshot is younger than the locks: it sees each task as its last attempt left it.
    WITH taken AS (
      UPDATE $b.job j SET state = 'active', started_on = NULL, heartbeat_on = clock_timestamp(),
          -- The server may forget the first of two claims: their numbers differ all the same.
          retry_count = j.retry_count + 1 + floor(random() * 10000)::integer,
          output = jsonb_build_object('by', p_process, 'lost', j.state = 'retry')
        FROM unnest(ids, queues) WITH ORDINALITY c (id, queue, place) WHERE j.name = c.queue AND j.id = c.id
        RETURNING j.id, j.retry_count AS fence, c.place
    )
    SELECT json_agg($s.claimed(t, taken.fence) ORDER BY taken.place) INTO rows
      FROM taken JOIN $s.tasks t ON t.id = taken.id;
    IF cardinality(rated) > 0 THEN
      INSERT INTO $s.rated_starts SELECT t.name, clock_timestamp(), t.id, j.retry_count
        FROM unnest(rated) u (id) JOIN $s.tasks t ON t.id = u.id JOIN $b.job j ON j.name = t.queue AND j.id = t.id;
    END IF;
  END IF;
END
$$`,

  `
-- Takes the first of the tickets whose process is gone.
CREATE OR REPLACE FUNCTION $s.claim_suspect(p_process integer, p_queues text[], p_files boolean) RETURNS json
LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  r record;
  rows json;
BEGIN
  SELECT j.id, j.name INTO r FROM $b.job j JOIN $s.tasks t ON t.id = j.id
    WHERE j.state = 'retry' AND j.name = ANY (p_queues) AND (p_files OR t.files IS NULL)
    ORDER BY t.suspect DESC, j.priority DESC, j.created_on LIMIT 1 FOR UPDATE OF j SKIP LOCKED;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WITH taken AS (
    UPDATE $b.job SET state = 'active', started_on = NULL, heartbeat_on = clock_timestamp(), retry_count = retry_count + 1,
        output = jsonb_build_object('by', p_process, 'lost', true) WHERE name = r.name AND id = r.id RETURNING retry_count
  )
  SELECT json_build_array($s.claimed(t, taken.retry_count)) INTO rows FROM taken, $s.tasks t WHERE t.id = r.id;
  RETURN rows;
END
$$`,

  `
-- Charges the attempts that had begun when their process was gone; what must not run again fails. news: also those that
-- have ended with it.
CREATE OR REPLACE FUNCTION $s.lost() RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  r record;
  news text[] := '{}';
  code text;
  message text;
  error text;
  ended record;
BEGIN
  FOR r IN
    SELECT j.id, j.name AS queue, (extract(epoch FROM j.started_on) * 1000)::bigint AS at, j.retry_count AS fence,
      t.name, t.flags, t.grp, t.key, t.attempt, t.alone, t.crashes, t.cancel, (j.data #>> '{}')::integer AS process
    FROM $b.job j JOIN $s.tasks t ON t.id = j.id
    WHERE j.state = 'retry' AND j.started_on IS NOT NULL FOR UPDATE OF j SKIP LOCKED
  LOOP
    code := NULL;
    IF r.cancel THEN
      code := 'AFTERWORK_CANCELLED';
      message := r.name || ' was cancelled';
    ELSIF (r.flags & 4) <> 0 THEN
      code := 'AFTERWORK_INTERRUPTED';
      message := r.name || ' had started when the process died, and must not be started twice';
    ELSIF r.alone AND r.crashes >= 2 THEN
      code := 'AFTERWORK_CRASHED_PROCESS';
      message := r.name || ' ran alone in its process at 3 crashes in a row';
    END IF;
    error := CASE WHEN code IS NOT NULL
      THEN json_build_object('name', 'AfterworkError', 'message', message, 'code', code)::text END;
    PERFORM $s.remember(r.id, r.attempt + 1, r.process, r.at, $s.now_ms(), 'lost', error);
    IF code IS NULL THEN
      UPDATE $s.tasks SET attempt = attempt + 1, started_at = r.at, suspect = true, progress = NULL, alone = false,
        crashes = CASE WHEN alone THEN crashes + 1 ELSE 0 END WHERE id = r.id;
      UPDATE $b.job SET started_on = NULL WHERE name = r.queue AND id = r.id;
      INSERT INTO $s.totals (running, queued) VALUES (-1, 1);
    ELSE
      IF r.grp IS NOT NULL OR (r.flags & 8) <> 0 THEN PERFORM $s.lock(coalesce(r.grp, r.id)); END IF;
      IF r.key IS NOT NULL THEN PERFORM $s.lock(r.id); END IF;
      DELETE FROM $b.job WHERE name = r.queue AND id = r.id;
      SELECT * INTO ended FROM $s.finish(r.id, CASE WHEN r.cancel THEN 7 ELSE 6 END, 'running', $s.now_ms(), r.attempt + 1,
        r.at, NULL, error, NULL);
      news := news || ARRAY['l:' || r.id] || ended.news || $s.advance(ended.groups, $s.now_ms());
    END IF;
  END LOOP;
  RETURN news;
END
$$`,

  `
-- Attempts have begun; gives the ids of those that are still this process's.
CREATE OR REPLACE FUNCTION $s.note(p_rows json, p_alone boolean, p_synced boolean) RETURNS uuid[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  noted uuid[];
BEGIN
  IF NOT p_synced THEN ${unsynced} END IF;
  WITH begun AS (
    -- Whose attempt it is: what else says so is overwritten when the ticket is taken away.
    UPDATE $b.job j SET started_on = to_timestamp(x.at / 1000.0), heartbeat_on = clock_timestamp(), data = j.output->'by'
    FROM json_to_recordset(p_rows) AS x (id uuid, queue text, fence integer, at bigint)
    WHERE j.name = x.queue AND j.id = x.id AND j.state = 'active' AND j.retry_count = x.fence AND j.started_on IS NULL
    RETURNING j.id
  )
  SELECT array_agg(id) INTO noted FROM begun;
  IF noted IS NULL THEN RETURN '{}'; END IF;
  INSERT INTO $s.totals (queued, running) VALUES (-cardinality(noted), cardinality(noted));
  IF p_alone THEN UPDATE $s.tasks SET alone = true WHERE id = ANY (noted); END IF;
  -- What an earlier attempt said is not how far this one is.
  IF p_rows::text LIKE '%"again"%' THEN
    UPDATE $s.tasks t SET progress = NULL FROM json_to_recordset(p_rows) AS x (id uuid, again boolean)
      WHERE x.again AND t.id = x.id AND x.id = ANY (noted) AND t.progress IS NOT NULL;
  END IF;
  RETURN noted;
END
$$`,

  `
-- Claimed tasks that did not run go back.
CREATE OR REPLACE FUNCTION $s.give_back(p_rows json) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  r record;
BEGIN
  ${unsynced}
  FOR r IN
    WITH given AS (
      UPDATE $b.job j SET output = NULL, heartbeat_on = NULL,
        state = CASE WHEN (j.output->>'lost')::boolean THEN 'retry' ELSE 'created' END::$b.job_state
      FROM json_to_recordset(p_rows) AS x (id uuid, queue text, fence integer)
      WHERE j.name = x.queue AND j.id = x.id AND j.state = 'active' AND j.retry_count = x.fence AND j.started_on IS NULL
      RETURNING j.id, j.retry_count AS fence
    ), unrated AS (
      DELETE FROM $s.rated_starts s USING given g WHERE s.task = g.id AND s.fence = g.fence RETURNING s.name
    )
    SELECT DISTINCT t.pool FROM given g JOIN $s.tasks t USING (id)
    UNION SELECT n.pool FROM $s.lanes n WHERE n.name IN (
      SELECT t.name FROM given g JOIN $s.tasks t USING (id) UNION SELECT name FROM unrated)
  LOOP
    PERFORM $s.tell('c::' || r.pool);
  END LOOP;
END
$$`,

  `
-- Ends many that have neither group, key, onEnded nor limit; gives the ids of those that have ended.
CREATE OR REPLACE FUNCTION $s.settle_simple(p_rows json) RETURNS uuid[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  mine uuid[];
  gone uuid[];
  begun bigint;
  n record;
BEGIN
  -- One statement, one join: each row is found by its key.
  SELECT array_agg(id) INTO mine FROM (
    SELECT t.id FROM json_to_recordset(p_rows) AS x (id uuid) JOIN $s.tasks t ON t.id = x.id
    WHERE (t.flags & 8) = 0 FOR UPDATE OF t) locked;
  WITH deleted AS (
    DELETE FROM $b.job j USING json_to_recordset(p_rows) AS x (id uuid, queue text, fence integer)
    WHERE j.name = x.queue AND j.id = x.id AND x.id = ANY (mine) AND j.state = 'active' AND j.retry_count = x.fence
    RETURNING j.id, j.started_on
  )
  SELECT array_agg(id), count(started_on) INTO gone, begun FROM deleted;
  IF gone IS NULL THEN RETURN '{}'; END IF;
  WITH ended AS (
    UPDATE $s.tasks t SET state = x.state, done = CASE WHEN t.done <> 0 THEN t.done WHEN x.state = 5 THEN 1 ELSE 2 END,
      attempt = x.attempt, started_at = x.started_at, ended_at = x.at, ended = nextval('$s.ended'), expires_at = x.at + t.keep,
      result = x.result, error = x.error, progress = x.progress, suspect = false, alone = false, crashes = 0, cancel = false
    FROM json_to_recordset(p_rows) AS x (id uuid, state integer, attempt integer, started_at bigint, at bigint, result text,
      error text, progress text)
    WHERE t.id = x.id AND x.id = ANY (gone)
    RETURNING t.state, t.bytes
  )
  SELECT count(*) FILTER (WHERE state = 5) AS succeeded, count(*) FILTER (WHERE state = 6) AS failed,
    count(*) FILTER (WHERE state = 7) AS cancelled, sum(bytes) AS bytes INTO n FROM ended;
  INSERT INTO $s.totals (queued, running, succeeded, failed, cancelled, bytes)
    VALUES (begun - cardinality(gone), -begun, n.succeeded, n.failed, n.cancelled, -n.bytes);
  IF n.failed + n.cancelled > 0 THEN
    PERFORM $s.remember(x.id, x.attempt, x.process, x.started_at, x.at, x.how, x.reason)
      FROM json_to_recordset(p_rows) AS x (id uuid, attempt integer, process integer, started_at bigint, at bigint, how text,
        reason text)
      WHERE x.id = ANY (gone) AND x.how IS NOT NULL;
  END IF;
  RETURN gone;
END
$$`,

  `
-- Records how an attempt ended. recorded: false where it was not this process's any more.
CREATE OR REPLACE FUNCTION $s.settle(p json, p_rows json, OUT recorded boolean, OUT news text[]) LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  x record;
  t record;
  j record;
  ended record;
  later boolean;
BEGIN
  news := '{}';
  SELECT * INTO x FROM json_to_record(p) AS x (id uuid, queue text, fence integer, state text, attempt integer,
    started_at bigint, at bigint, result text, error text, progress text, run_at bigint, suspect boolean, limited boolean,
    process integer, how text, reason text);
  SELECT name, grp, key, flags INTO t FROM $s.tasks WHERE id = x.id;
  IF t.grp IS NOT NULL OR (t.flags & 8) <> 0 THEN PERFORM $s.lock(coalesce(t.grp, x.id)); END IF;
  IF t.key IS NOT NULL THEN PERFORM $s.lock(x.id); END IF;
  -- In the order in which others take these locks.
  PERFORM FROM $s.tasks WHERE id = x.id FOR UPDATE;
  DELETE FROM $b.job WHERE name = x.queue AND id = x.id AND state = 'active' AND retry_count = x.fence
    RETURNING CASE WHEN started_on IS NULL THEN 'queued' ELSE 'running' END AS was INTO j;
  IF NOT FOUND THEN
    -- Asked twice, for the first answer was lost.
    recorded := EXISTS (SELECT FROM $s.tasks WHERE id = x.id AND state >= 5 AND attempt = x.attempt AND ended_at = x.at);
    RETURN;
  END IF;
  recorded := true;
  IF x.how IS NOT NULL THEN
    PERFORM $s.remember(x.id, x.attempt, x.process, x.started_at, x.at, x.how, x.reason);
  END IF;
  IF x.state IN ('scheduled', 'queued') THEN
    later := coalesce(x.run_at > $s.now_ms(), false);
    UPDATE $s.tasks SET state = CASE WHEN later THEN 2 ELSE 1 END, attempt = x.attempt, started_at = x.started_at,
      failures = failures + (x.state = 'scheduled')::int,
      run_at = coalesce(x.run_at, run_at),
      error = x.error, progress = x.progress, suspect = coalesce(x.suspect, false), alone = false, crashes = 0
      WHERE id = x.id;
    INSERT INTO $s.totals (queued, scheduled, running)
      VALUES ((NOT later)::int - (j.was = 'queued')::int, later::int, -(j.was = 'running')::int);
    IF later THEN PERFORM $s.tell('d:' || run_at) FROM $s.tasks WHERE id = x.id;
    ELSE PERFORM $s.ready(ARRAY[x.id]);
    END IF;
  ELSE
    SELECT * INTO ended FROM $s.finish(x.id, CASE x.state WHEN 'succeeded' THEN 5 WHEN 'failed' THEN 6 ELSE 7 END, j.was, x.at,
      x.attempt, x.started_at, x.result, x.error, x.progress);
    news := ended.news;
  END IF;
  -- What it added comes before what its end brings about.
  IF p_rows IS NOT NULL THEN
    news := news || (SELECT a.news FROM $s.add(p_rows, false, x.process, NULL, NULL, NULL, NULL) a);
    PERFORM $s.tell('c::' || pool) FROM (SELECT DISTINCT pool FROM json_to_recordset(p_rows) AS f (pool text)) p;
  END IF;
  IF x.state NOT IN ('scheduled', 'queued') THEN news := news || $s.advance(ended.groups, x.at); END IF;
  IF x.limited THEN PERFORM $s.tell('c::' || n.pool) FROM $s.lanes n WHERE n.name = t.name; END IF;
END
$$`,

  `
-- Cancels a task that does not run. result: 'gone', 'ended', 'running' (owner: its process), or 'cancelled'.
CREATE OR REPLACE FUNCTION $s.cancel(p_id uuid, p_at bigint, p_error text, p_process integer, p_claimed boolean,
  OUT result text, OUT id uuid, OUT owner integer, OUT news text[])
LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  t record;
  j record;
  ended record;
  was text;
  error text;
BEGIN
  news := '{}';
  id := coalesce((SELECT target FROM $s.aliases a WHERE a.id = p_id), p_id);
  SELECT x.name, x.grp, x.key, x.flags INTO t FROM $s.tasks x WHERE x.id = cancel.id;
  IF NOT FOUND THEN result := 'gone'; RETURN; END IF;
  IF t.grp IS NOT NULL OR (t.flags & 8) <> 0 THEN PERFORM $s.lock(coalesce(t.grp, id)); END IF;
  IF t.key IS NOT NULL THEN PERFORM $s.lock(id); END IF;
  SELECT x.name, x.queue, x.state, x.attempt INTO t FROM $s.tasks x WHERE x.id = cancel.id FOR UPDATE;
  IF t.state >= 5 THEN result := 'ended'; RETURN; END IF;
  SELECT k.state, k.started_on, k.retry_count, (k.output->>'by')::integer AS owner,
      (extract(epoch FROM k.started_on) * 1000)::bigint AS at, (k.data #>> '{}')::integer AS process INTO j FROM $b.job k
    WHERE k.name = t.queue AND k.id = cancel.id FOR UPDATE;
  IF j.state = 'active' AND NOT (p_claimed AND j.owner = p_process AND j.started_on IS NULL) THEN
    UPDATE $s.tasks x SET cancel = true WHERE x.id = cancel.id;
    PERFORM $s.tell('x:' || cancel.id);
    result := 'running';
    owner := j.owner;
    RETURN;
  END IF;
  DELETE FROM $b.job k WHERE k.name = t.queue AND k.id = cancel.id;
  IF j.state = 'active' THEN DELETE FROM $s.rated_starts s WHERE s.task = cancel.id AND s.fence = j.retry_count; END IF;
  was := CASE WHEN t.state = 2 THEN 'scheduled' WHEN j.started_on IS NOT NULL THEN 'running' ELSE 'queued' END;
  error := coalesce(p_error, json_build_object('name', 'AfterworkError', 'message',
    t.name || CASE WHEN was = 'running' THEN ' was cancelled' ELSE ' was cancelled before it ran' END,
    'code', 'AFTERWORK_CANCELLED')::text);
  -- Its process is gone, and nobody has charged the attempt yet.
  IF was = 'running' THEN PERFORM $s.remember(cancel.id, t.attempt + 1, j.process, j.at, p_at, 'lost', error); END IF;
  SELECT * INTO ended FROM $s.finish(cancel.id, 7, was, p_at, CASE WHEN was = 'running' THEN t.attempt + 1 END, j.at, NULL,
    error, NULL);
  news := ended.news || $s.advance(ended.groups, p_at);
  PERFORM $s.tell('c::' || n.pool) FROM $s.lanes n WHERE n.name = t.name AND j.state = 'active';
  result := 'cancelled';
END
$$`,

  `
-- Queues a failed or cancelled task again. result: 'gone', its state, 'key' where another has its key, or 'queued'.
CREATE OR REPLACE FUNCTION $s.retry(p_id uuid, OUT result text, OUT id uuid) LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  t record;
  j record;
BEGIN
  id := coalesce((SELECT target FROM $s.aliases a WHERE a.id = p_id), p_id);
  SELECT x.name, x.queue, x.state, x.key, x.bytes INTO t FROM $s.tasks x WHERE x.id = retry.id FOR UPDATE;
  IF NOT FOUND THEN result := 'gone'; RETURN; END IF;
  IF t.state NOT IN (6, 7) THEN result := 'not failed'; RETURN; END IF;
  IF t.key IS NOT NULL AND NOT pg_try_advisory_xact_lock($s.key_lock(t.name, t.key)) THEN result := 'key'; RETURN; END IF;
  BEGIN
    UPDATE $s.tasks x SET state = 1, failures = 0, ended_at = NULL, ended = NULL, expires_at = NULL, run_at = NULL,
      progress = NULL WHERE x.id = retry.id;
  EXCEPTION WHEN unique_violation THEN
    result := 'key';
    RETURN;
  END;
  INSERT INTO $s.totals (queued, failed, cancelled, bytes) VALUES (1, -(t.state = 6)::int, -(t.state = 7)::int, t.bytes);
  PERFORM $s.ready(ARRAY[retry.id]);
  result := 'queued';
END
$$`,

  `
-- Removes held tasks as though they had never been added; one that others share meanwhile stays, and is held no more.
CREATE OR REPLACE FUNCTION $s.discard(p_ids uuid[], p_receipt text) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  i uuid;
  t record;
  changed uuid[] := '{}';
  kept uuid[] := '{}';
BEGIN
  DELETE FROM $s.receipts WHERE key = p_receipt;
  PERFORM pg_advisory_xact_lock($lock, locks.number) FROM (
    SELECT $s.lock_of(coalesce(grp, id)) AS number FROM $s.tasks WHERE id = ANY (p_ids) AND state = 3
    UNION SELECT $s.lock_of(grp) FROM $s.aliases WHERE id = ANY (p_ids) AND held ORDER BY 1) locks;
  FOREACH i IN ARRAY p_ids LOOP
    DELETE FROM $s.aliases WHERE id = i RETURNING grp INTO t;
    IF FOUND THEN
      changed := changed || t.grp;
      CONTINUE;
    END IF;
    SELECT id, grp, state, queue, bytes, key, files INTO t FROM $s.tasks WHERE id = i FOR UPDATE;
    CONTINUE WHEN NOT FOUND OR t.state >= 5
      OR EXISTS (SELECT FROM $b.job WHERE name = t.queue AND id = i AND state = 'active');
    IF EXISTS (SELECT FROM $s.aliases WHERE target = i) THEN
      kept := kept || i;
      CONTINUE;
    END IF;
    DELETE FROM $b.job WHERE name = t.queue AND id = i;
    DELETE FROM $s.tasks WHERE id = i;
    IF t.files IS NOT NULL THEN DELETE FROM $s.file_uses WHERE task = i; END IF;
    INSERT INTO $s.totals (queued, scheduled, bytes) VALUES (-(t.state <> 2)::int, -(t.state = 2)::int, -t.bytes);
    changed := changed || coalesce(t.grp, t.id);
  END LOOP;
  RETURN $s.release(kept) || $s.advance(changed, $s.now_ms());
END
$$`,

  `
-- Takes back what was asked for, though nobody knows if it was stored: once it was waited for whoever stores it just now,
-- who may be held up for long. A receipt is another one's by now, unless it has that answer.
CREATE OR REPLACE FUNCTION $s.undo(p_ids uuid[], p_receipt text, p_answer text) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  PERFORM set_config('lock_timeout', '2000', true);
  -- Whoever stores the same is waited for: rows that nobody ever sees.
  IF p_receipt IS NOT NULL THEN
    INSERT INTO $s.receipts VALUES (p_receipt, '', p_answer, 0) ON CONFLICT DO NOTHING;
    DELETE FROM $s.receipts WHERE key = p_receipt AND answer = p_answer;
  END IF;
  INSERT INTO $s.tasks (id, seq, name, queue, pool, priority, flags, state, args, bytes)
    SELECT id, 0, '', '', '', 0, 0, 0, '', 0 FROM unnest(p_ids) id ON CONFLICT DO NOTHING;
  INSERT INTO $s.aliases (id, seq, grp, held) SELECT id, 0, id, false FROM unnest(p_ids) id ON CONFLICT DO NOTHING;
  DELETE FROM $s.tasks WHERE id = ANY (p_ids) AND seq = 0;
  DELETE FROM $s.aliases WHERE id = ANY (p_ids) AND seq = 0;
  RETURN $s.discard(p_ids, NULL);
END
$$`,

  `
-- Tasks whose time has come get their tickets; when the next is due, in milliseconds from now.
CREATE OR REPLACE FUNCTION $s.due(p_most integer) RETURNS bigint LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  due uuid[];
BEGIN
  WITH d AS (
    SELECT id FROM $s.tasks WHERE state = 2 AND run_at <= $s.now_ms() ORDER BY run_at, seq LIMIT p_most FOR UPDATE SKIP LOCKED
  ), u AS (UPDATE $s.tasks t SET state = 1 FROM d WHERE t.id = d.id RETURNING t.id)
  SELECT array_agg(id) INTO due FROM u;
  IF due IS NOT NULL THEN
    INSERT INTO $s.totals (scheduled, queued) VALUES (-cardinality(due), cardinality(due));
    PERFORM $s.ready(due);
  END IF;
  RETURN (SELECT greatest(run_at - $s.now_ms(), 0) FROM $s.tasks WHERE state = 2 ORDER BY run_at LIMIT 1);
END
$$`,

  `
-- Takes away everything of ended tasks.
CREATE OR REPLACE FUNCTION $s.remove(p_ids uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  n record;
BEGIN
  UPDATE $s.aliases a SET done = CASE WHEN t.state = 5 THEN 1 ELSE 2 END, target = NULL
    FROM $s.tasks t WHERE t.id = ANY (p_ids) AND a.target = t.id AND a.done = 0;
  DELETE FROM $s.aliases WHERE target = ANY (p_ids);
  DELETE FROM $s.attempts WHERE task = ANY (p_ids);
  DELETE FROM $s.file_uses f USING $s.tasks t WHERE t.id = ANY (p_ids) AND t.files IS NOT NULL AND f.task = t.id
    AND f.file IN (SELECT x->>'id' FROM json_array_elements(t.files::json) x);
  WITH gone AS (DELETE FROM $s.tasks WHERE id = ANY (p_ids) RETURNING state)
  SELECT count(*) FILTER (WHERE state = 5) AS succeeded, count(*) FILTER (WHERE state = 6) AS failed,
    count(*) FILTER (WHERE state = 7) AS cancelled INTO n FROM gone;
  INSERT INTO $s.totals (succeeded, failed, cancelled) VALUES (-n.succeeded, -n.failed, -n.cancelled);
END
$$`,

  `
-- Forgets ended tasks: those that are too many, and those that were kept for long enough; at most so many of each.
CREATE OR REPLACE FUNCTION $s.forget(p_keep bigint, p_default bigint, p_most integer) RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  surplus bigint;
  gone uuid[];
BEGIN
  ${unsynced}
  SELECT sum(succeeded + failed + cancelled) - p_keep INTO surplus FROM $s.totals;
  IF surplus > 0 THEN
    -- Two that count the same surplus would both take it away.
    PERFORM pg_advisory_xact_lock(hashtextextended('forget', $lock));
    SELECT sum(succeeded + failed + cancelled) - p_keep INTO surplus FROM $s.totals;
  END IF;
  SELECT array_agg(id) INTO gone FROM (
    SELECT id FROM (SELECT id FROM $s.tasks WHERE ended IS NOT NULL ORDER BY ended
      LIMIT greatest(least(surplus, p_most), 0) FOR UPDATE SKIP LOCKED) many
    UNION
    SELECT id FROM (SELECT id FROM $s.tasks WHERE expires_at < $s.now_ms() LIMIT p_most FOR UPDATE SKIP LOCKED) expired) old;
  IF gone IS NOT NULL THEN PERFORM $s.remove(gone); END IF;
  SELECT array_agg(id) INTO gone FROM (
    SELECT id FROM (SELECT id, ended_at FROM $s.tasks WHERE ended IS NOT NULL ORDER BY ended LIMIT p_most FOR UPDATE SKIP LOCKED) first
    WHERE ended_at + p_default < $s.now_ms()) old;
  IF gone IS NOT NULL THEN PERFORM $s.remove(gone); END IF;
END
$$`,

  `
-- Folds the rows of the counters into one, where there are some.
CREATE OR REPLACE FUNCTION $s.fold() RETURNS void LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  ${unsynced}
  IF (SELECT count(*) FROM (SELECT FROM $s.totals LIMIT 16) few) < 16 THEN RETURN; END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('fold', $lock)) THEN RETURN; END IF;
  WITH old AS (DELETE FROM $s.totals RETURNING *)
  INSERT INTO $s.totals (queued, scheduled, running, succeeded, failed, cancelled, bytes)
    SELECT coalesce(sum(queued), 0), coalesce(sum(scheduled), 0), coalesce(sum(running), 0), coalesce(sum(succeeded), 0),
      coalesce(sum(failed), 0), coalesce(sum(cancelled), 0), coalesce(sum(bytes), 0) FROM old;
END
$$`,

  `
-- Forgets processes that gave no sign of life; what they held goes on.
CREATE OR REPLACE FUNCTION $s.bury(p_seconds double precision) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
DECLARE
  dead integer[];
  orphans uuid[];
  news text[] := '{}';
BEGIN
  SELECT array_agg(id) INTO dead FROM (
    SELECT id FROM $s.processes WHERE seen_on < clock_timestamp() - p_seconds * interval '1 second' FOR UPDATE SKIP LOCKED) d;
  IF dead IS NULL THEN RETURN news; END IF;
  SELECT array_agg(h.id) INTO orphans FROM (
    SELECT t.id FROM $s.tasks t WHERE holder = ANY (dead) AND state IN (3, 4)
      AND NOT EXISTS (SELECT FROM $b.job j WHERE j.name = t.queue AND j.id = t.id)
    UNION ALL SELECT a.id FROM $s.aliases a WHERE a.holder = ANY (dead) AND a.held) h;
  IF orphans IS NOT NULL THEN
    news := $s.release(orphans);
    PERFORM $s.tell('c::' || pool) FROM (SELECT DISTINCT pool FROM $s.lanes) p;
  END IF;
  WITH gone AS (DELETE FROM $s.processes WHERE id = ANY (dead) RETURNING id, host, pid)
  INSERT INTO $s.departed SELECT id, host, pid FROM gone ON CONFLICT DO NOTHING;
  DELETE FROM $s.departed WHERE id <= (SELECT max(id) FROM $s.departed) - ${departedKept};
  -- Their local functions are nobody's, and their groups wait for them.
  PERFORM $s.tell('c::local');
  RETURN news;
END
$$`,

  `
-- A process goes: what it held goes on at once.
CREATE OR REPLACE FUNCTION $s.leave(p_process integer, p_seconds double precision) RETURNS text[] LANGUAGE plpgsql VOLATILE ${byIndex} AS $$
BEGIN
  UPDATE $s.processes SET seen_on = '-infinity' WHERE id = p_process;
  RETURN $s.bury(p_seconds);
END
$$`,
]
