/** What the other functions are made with: the clock, news, locks, and what all processes agree on. */
export const basics: readonly string[] = [
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
]
