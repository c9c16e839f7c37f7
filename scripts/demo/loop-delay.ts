/**
 * Preloaded into the service (`node --import`): answers each message of the parent process with the largest delay of
 * the service's own event loop since the message before, in milliseconds.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** How often the loop is looked at, in milliseconds: what the histogram holds even when nothing is late. */
const resolution = 1

// Worker threads inherit --import: theirs are the loops that may be late.
if (isMainThread && process.channel) {
  const delays = monitorEventLoopDelay({ resolution })
  delays.enable()
  process.on('message', () => {
    process.send!(Math.max(0, delays.max / 1e6 - resolution))
    delays.reset()
  })
  // The channel alone must not keep a service alive that was told to stop.
  process.channel.unref()
}
