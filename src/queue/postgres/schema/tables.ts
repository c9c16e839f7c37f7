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
