/**
 * Every row is looked for by an index: the planner must not think otherwise while the tables are new, small, or just
 * emptied, for its plans are kept for as long as a connection lasts.
 */
export const byIndex =
  'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan'

/**
 * A transaction that need not be on disk when it ends: what was to be remembered in the end comes with a later one.
 */
export const unsynced = "PERFORM set_config('synchronous_commit', 'off', true);"
