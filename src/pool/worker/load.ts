import { Server } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { definitionsOf, importingTasks, splitName, type Definitions } from '../../core/definition.ts'
import { AfterworkError } from '../../core/errors.ts'
import type { TaskFunction } from '../../core/reference.ts'
import { teardownTime } from '../envelope.ts'
import { exportsOf } from './modules.ts'

let definitions: Promise<Definitions> | undefined
const functions = new Map<string, TaskFunction>()
const teardowns = new Map<string, TaskFunction>()

/** The function of a task that ran in this thread before. */
export function knownTask(name: string): TaskFunction | undefined {
  return functions.get(name)
}

/** The function of a task; its module is loaded the first time one of its tasks runs in this thread. */
export async function loadTask(url: string, name: string): Promise<TaskFunction> {
  const [module, task] = splitName(name)
  const found = (await loadModule(url, module))[task]
  if (found === undefined)
    throw new AfterworkError('AFTERWORK_UNKNOWN_TASK', `Module ${module} exports no function ${task}`)
  functions.set(name, found)
  return found
}

/** The functions that a module of the tasks file exports, by name. */
export async function loadModule(url: string, module: string): Promise<Record<string, TaskFunction>> {
  const definition = (await loadDefinitions(url)).get(module)
  if (definition === undefined)
    throw new AfterworkError('AFTERWORK_UNKNOWN_TASK', `${url} defines no module ${module}`)
  const { tasks, teardown } = await exportsOf(definition)
  if (teardown !== undefined) teardowns.set(module, teardown)
  return tasks
}

/** Loads the modules whose tasks run in this pool by default. */
export async function preload(url: string, pool: string): Promise<void> {
  for (const [module, { options }] of await loadDefinitions(url)) {
    if (options.pool === pool) await loadModule(url, module)
  }
}

/** Whether a module that was loaded exports `teardown`. */
export function hasTeardown(): boolean {
  return teardowns.size > 0
}

/**
 * Calls `teardown` of every module that was loaded, all at once; one that fails, or takes longer than teardownTime, is
 * reported and stops no other.
 */
export async function tearDown(report: (module: string, error: unknown) => void): Promise<void> {
  const calls = Array.from(teardowns, async ([module, teardown]) => {
    try {
      await Promise.race([teardown(), tooLate()])
    } catch (error) {
      report(module, error)
    }
  })
  await Promise.all(calls)
}

async function tooLate(): Promise<never> {
  await wait(teardownTime)
  throw new AfterworkError('AFTERWORK_TIMED_OUT', `teardown took longer than ${teardownTime} ms`)
}

/** Imports the tasks file, in which an app by mistake would start a second server: that is refused. */
export function loadDefinitions(url: string): Promise<Definitions> {
  definitions ??= guarded(() => import(url)).then(() => definitionsOf(url))
  return definitions
}

async function guarded(load: () => Promise<unknown>): Promise<void> {
  const flags = globalThis as Record<symbol, unknown>
  const listen = Object.getOwnPropertyDescriptor(Server.prototype, 'listen')!
  flags[importingTasks] = true
  Server.prototype.listen = () => {
    throw new AfterworkError(
      'AFTERWORK_TASKS_FILE',
      'The tasks file starts a server: keep defineTasks() in a file apart from the app',
    )
  }
  try {
    await load()
  } finally {
    Object.defineProperty(Server.prototype, 'listen', listen)
    delete flags[importingTasks]
  }
}
