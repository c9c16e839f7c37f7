import { byIndex } from './manner.ts'

/** How tasks come in, and go on once their response has closed. */
export const adding: readonly string[] = [
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
]
