import type { Histogram } from 'prom-client'

/** How many samples one delay may count as; the longer ones are spread out. */
const most = 1_000

/**
 * Observes what a regular sample found, and with it what those would have found that it kept from being taken. A delay
 * of seconds would otherwise count as little as one of a millisecond, and the histogram look best when all stands still;
 * so each sample stands for one interval of time. Milliseconds in, seconds out.
 */
export function observeDelay(histogram: Histogram, delay: number, interval: number): void {
  const step = Math.max(interval, delay / most)
  for (let left = delay; left >= 0; left -= step) histogram.observe(left / 1_000)
}
