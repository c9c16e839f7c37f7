import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { importingTasks, urlOf, type Tasks } from '../core/definition.ts'
import { AfterworkError, badOption } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'

/**
 * Imports a file of tasks, relative to the working directory, and gives what defineTasks() made in it: its default export,
 * or else its export `tasks`, or else the only one there is.
 * @throws AFTERWORK_BAD_OPTION when there is no such file or nothing of that kind in it; AFTERWORK_TASKS_FILE when it
 *   cannot be loaded, or is the app itself
 */
export async function importTasks(file: string): Promise<Tasks<Record<string, any>>> {
  const path = resolve(file)
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw badOption('--tasks', 'a file', file)
  const exported = await load(path, file)
  const all = Object.values(exported).filter(isTasks)
  const named = [exported['default'], exported['tasks']].find(isTasks)
  if (named !== undefined) return named
  if (new Set(all.map(urlOf)).size === 1) return all[0]!
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `--tasks: Expected what defineTasks() returned as the default export of ${file}, got ${all.length === 0 ? 'none' : 'several'}`,
  )
}

async function load(path: string, file: string): Promise<Record<string, unknown>> {
  const flags = globalThis as Record<symbol, unknown>
  // An app in place of its tasks file would begin to listen, and work on a queue of its own.
  flags[importingTasks] = true
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (cause) {
    if (cause instanceof AfterworkError) throw cause
    const [reason] = toFailure(cause).message.split('\n')
    throw new AfterworkError('AFTERWORK_TASKS_FILE', `Cannot load the tasks file ${file}: ${reason}`, {
      cause,
    })
  } finally {
    delete flags[importingTasks]
  }
}

function isTasks(value: unknown): value is Tasks<Record<string, any>> {
  try {
    urlOf(value)
    return true
  } catch {
    return false
  }
}
