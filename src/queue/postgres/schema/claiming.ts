import { byIndex } from './manner.ts'

/** How a process takes tickets. */
export const claiming: readonly string[] = [
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
]
