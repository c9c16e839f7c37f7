import { setTimeout as wait } from 'node:timers/promises'
import { currentTask, TaskError, type EndedTask } from 'afterwork/worker'
import { tasks } from '../tasks.ts'

class PaymentError extends Error {
  readonly code = 'CARD_DECLINED'
  readonly responseCode = 402
  readonly retryable = false
}

export function note(text: string): string {
  return text
}

/** Gives back the record that it was given, as `onEnded` tasks get it. */
export function remember(ended: EndedTask): EndedTask {
  return ended
}

/** Adds two tasks and ends as it is told. */
export async function follow(how: 'well' | 'badly' | 'well in the end' | 'never'): Promise<string> {
  const { addTask, attempt, log, signal } = currentTask()
  addTask(tasks.life.note, `first of attempt ${attempt}`)
  addTask(tasks.life.note, `second of attempt ${attempt}`)
  if (how === 'never') {
    log.info('waiting')
    await wait(60_000, undefined, { signal })
  }
  if (how === 'badly' || (how === 'well in the end' && attempt === 1)) throw new Error(`attempt ${attempt}`)
  return how
}

/** Adds a task, and takes its thread with it unless it runs for the second time. */
export async function followAndHold(): Promise<void> {
  const { addTask, attempt, log, signal } = currentTask()
  addTask(tasks.life.note, `of attempt ${attempt}`)
  log.info('waiting')
  if (attempt === 1) await wait(60_000, undefined, { signal })
}

export function decline(): never {
  throw new PaymentError('no money', { cause: Object.assign(new RangeError('too far'), { limit: 5 }) })
}

export function giveUp(): never {
  throw new TaskError('the address does not exist', { retry: false, code: 'NO_SUCH_ADDRESS' })
}

export function impatient(): number {
  const { attempt } = currentTask()
  if (attempt < 3) throw new TaskError('try again soon', { retry: '50ms' })
  return attempt
}

/** Stops its pool the first time. */
export function refuseAll(): string {
  if (currentTask().attempt === 1) throw new TaskError('wrong password', { pausePool: true, retry: 1 })
  return 'let in'
}

/** Stops its pool the first time, and wants to run again with it. */
export function notYet(): void {
  if (currentTask().attempt === 1) throw new TaskError('not yet', { pausePool: true, code: 'NOT_YET' })
}

/** Says how far it is, then waits to be told to end. */
export async function report(): Promise<string> {
  const { log, progress, signal } = currentTask()
  progress(0.25, 'a quarter')
  log.info('waiting')
  await wait(60_000, undefined, { signal }).catch(() => {})
  return 'done'
}
