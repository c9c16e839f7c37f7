import type { Failure } from './failure.ts'

/** How one attempt ended, as the pool tells it. */
export type Outcome =
  | { kind: 'succeeded'; result: string | undefined }
  /** The task threw, timed out, or cost its thread; `retry` is what its TaskError said. */
  | { kind: 'failed'; failure: Failure; retry?: false | number | undefined }
  /** The attempt ended through no fault of the task; it is queued again and charged nothing. */
  | { kind: 'interrupted'; failure: Failure }
