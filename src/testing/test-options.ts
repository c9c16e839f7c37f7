import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AfterworkOptions } from '../afterwork-options.ts'
import { oneOf } from '../core/check.ts'
import { urlOf, type Tasks } from '../core/definition.ts'
import { badOption } from '../core/errors.ts'

/**
 * Options of testAfterwork(): those of createAfterwork(), so that an app's own can be spread into it. `queue` and `work`
 * are passed over, for tasks are kept in memory and run here; without `logger` nothing is logged; without `files` uploads go to a folder of their
 * own that stop() removes; `drain` is 0.
 */
export interface TestOptions<T extends Tasks<Record<string, any>>> extends Omit<AfterworkOptions, 'tasks'> {
  /** What defineTasks() returned. */
  tasks: T
  /** 'capture': nothing runs until drain(). 'inline': tasks run by themselves, once their response has closed. Default 'capture'. */
  mode?: 'capture' | 'inline'
  /** What time it is at first, and after reset(). Default: what time it is. */
  now?: Date | number
}

/** The last millisecond that a Date can hold. */
export const lastTime = 8.64e15

/** The same complete and checked. */
export interface ResolvedTest {
  url: string
  mode: 'capture' | 'inline'
  now: number
  /** For createAfterwork(). */
  options: AfterworkOptions
  /** A folder to remove at the end. */
  ownFiles: string | undefined
}

/** @throws AFTERWORK_BAD_OPTION */
export function resolveTest(given: TestOptions<any>): ResolvedTest {
  if (typeof given !== 'object' || given === null) throw badOption('testAfterwork()', 'an object', given)
  const { mode = 'capture', now = Date.now(), ...options } = given
  const time = now instanceof Date ? now.getTime() : now
  if (typeof time !== 'number' || !(Math.abs(time) <= lastTime))
    throw badOption('testAfterwork().now', 'a valid Date or milliseconds since 1970', now)
  const ownFiles = options.files === undefined ? join(tmpdir(), `afterwork-test-${randomUUID()}`) : undefined
  return {
    url: urlOf(options.tasks),
    mode: oneOf(['capture', 'inline'] as const)(mode, 'testAfterwork().mode'),
    now: time,
    ownFiles,
    options: {
      logger: false,
      drain: 0,
      ...options,
      queue: 'memory:',
      work: true,
      files: options.files ?? ownFiles!,
    },
  }
}
