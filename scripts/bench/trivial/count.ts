import type { Letter } from './letter.ts'

/** How many this thread has run. */
export let count = 0

/** The task of the benchmarks of the queue: next to nothing, so that all that is measured is the way to it. */
export function increment(_letter: Letter): void {
  count++
}
