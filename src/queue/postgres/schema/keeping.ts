import { byIndex, unsynced } from './manner.ts'

/** How many processes that are gone are remembered, the last ones. */
const departedKept = 10_000

/** What is done from time to time: tasks that come due, what is forgotten, and processes that are gone. */
export const keeping: readonly string[] = [
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
