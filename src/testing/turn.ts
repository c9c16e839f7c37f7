// By its module: a test's fake timers put theirs in the place of the global one.
import { setImmediate } from 'node:timers'

/** Resolves in a later turn of the loop, after all that was put off until then before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
