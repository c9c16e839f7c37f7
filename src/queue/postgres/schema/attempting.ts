import { byIndex, unsynced } from './manner.ts'

/** What becomes of attempts: that they have begun, were given back, ended, or were lost with their process. */
export const attempting: readonly string[] = [
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
]
