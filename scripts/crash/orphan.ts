/** Loaded before a process of the run: one whose harness is itself killed must not stay behind. */
process.once('disconnect', () => process.exit())
// Who listens for that is kept by it, and could not end of itself.
process.channel?.unref()
// The harness may have gone while the imports were under way.
if (process.connected === false) process.exit()
