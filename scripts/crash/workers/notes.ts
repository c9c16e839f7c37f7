import { appendFileSync, statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { currentTask, type EndedTask } from 'afterwork/worker'
import { attempt } from './attempt.ts'

/** What every task of the harness is given. */
export interface Note {
  /** Which task of which request it is. */
  marker: string
  /** How long it takes, in milliseconds. */
  ms: number
}

/** Waits, as for a database. */
export function append({ marker, ms }: Note): Promise<void> {
  return attempt(marker, () => wait(ms))
}

/** The same; of its own name because keys are unique a name. */
export function unique({ marker, ms }: Note): Promise<void> {
  return attempt(marker, () => wait(ms))
}

/** Keeps a core busy. */
export function burn({ marker, ms }: Note): Promise<void> {
  return attempt(marker, () => {
    const end = performance.now() + ms
    while (performance.now() < end);
  })
}

/** Takes no time at all and shares its message with others. */
export function tiny({ marker }: Note): Promise<void> {
  return attempt(marker, () => {})
}

/** Fails twice of itself, then succeeds: as often as it has retries, so that a kill which used one up would show. */
export function flaky({ marker, ms }: Note): Promise<void> {
  return attempt(marker, async () => {
    await wait(ms)
    const failures = `${process.env['CRASH_FLAKY']!}/${marker}`
    const failed = statSync(failures, { throwIfNoEntry: false })?.size ?? 0
    if (failed >= 2) return
    appendFileSync(failures, '.')
    throw new Error(`failure ${failed + 1} of 2, on purpose`)
  })
}

/** Fails for good, on purpose. */
export function failing({ marker, ms }: Note): Promise<void> {
  return attempt(marker, async () => {
    await wait(ms)
    throw Object.assign(new Error('on purpose'), { code: 'ON_PURPOSE' })
  })
}

/** Adds another task, early, so that an attempt that is cut has added it as well. */
export function withFollowUp({ marker, ms }: Note): Promise<void> {
  return attempt(marker, async () => {
    const { tasks } = await import('../tasks.ts')
    currentTask().addTask(tasks.notes.append, { marker: `${marker}.f`, ms })
    await wait(ms)
  })
}

/** Runs once the task that asked for it with `onEnded` has ended. */
export function onEnded({ args }: EndedTask): Promise<void> {
  return attempt(`${(args as [Note])[0].marker}.e`, () => {})
}
