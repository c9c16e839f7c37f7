/**
 * Milliseconds of a clock that all processes and threads of the machine share (CLOCK_MONOTONIC of Linux, which
 * process.hrtime reads); performance.now() counts from the start of each, and its timeOrigin may be off by a millisecond.
 */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
