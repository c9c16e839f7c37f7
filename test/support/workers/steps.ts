import { isMainThread, threadId } from 'node:worker_threads'
import { currentTask, TaskError } from 'afterwork/worker'

// Seen by a test when this module is loaded on its main thread, where it must never be.
if (isMainThread) (globalThis as Record<symbol, unknown>)[Symbol.for('afterwork.test.loadedOnMain')] = true

/** Gives back what it was given. */
export function echo(...values: unknown[]): unknown[] {
  return values
}

/** Where this module runs. */
export function place(): { isMainThread: boolean; threadId: number } {
  return { isMainThread, threadId }
}

/** Runs until the gate at `url` opens; a Gate of the tests sees it wait there. */
export async function pass(url: string): Promise<string> {
  const response = await fetch(url, { signal: currentTask().signal })
  return response.text()
}

/** Fails. */
export function fail(message: string): never {
  throw Object.assign(new RangeError(message), { code: 'TEST_FAILED', secret: 'a detail' })
}

/** Says how far it is, in words and in the log. */
export function report(step: string): { at: Date; size: bigint; bytes: Uint8Array } {
  const { progress, log } = currentTask()
  progress(0.5, step)
  log.warn(`at ${step}`, { step })
  return { at: new Date(0), size: 12n, bytes: new Uint8Array([1, 2, 3]) }
}

/** Stops its pool. */
export function pauses(): void {
  throw new TaskError('wrong password', { pausePool: true, code: 'WRONG' })
}
