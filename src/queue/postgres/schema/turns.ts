import { byIndex } from './manner.ts'
import { leaseSeconds } from './state.ts'

/** How many attempts of a task that did not end well are remembered, the last ones. */
const attemptsKept = 100

/** Tickets, the end of a task, and the turns of groups. */
export const turns: readonly string[] = [
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
]
