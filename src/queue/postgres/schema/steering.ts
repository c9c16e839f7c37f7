import { byIndex } from './manner.ts'

/** What is asked for from outside: cancel, retry, and taking back what was added. */
export const steering: readonly string[] = [
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
]
