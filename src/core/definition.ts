import { checkKeys } from './check.ts'
import { AfterworkError, badOption, show } from './errors.ts'
import { defaults, resolveOptions, type DefinitionOptions, type ResolvedOptions } from './options.ts'
import { createReference, type Task, type TaskFunction } from './reference.ts'

/** Imports a module of tasks; called in workers only. */
export type Loader<M extends object> = () => Promise<M>

/** Options that a definition cannot have; the compiler says why not. */
export interface NotForDefinitions {
  delay?: 'for one call only: use with()'
  runAt?: 'for one call only: use with()'
  unique?: 'for one call only: use with()'
  client?: 'for one call only: use with()'
}

/** A module of tasks with defaults for all of them and, under `tasks`, for each. */
export interface TaskModule<M extends object> extends DefinitionOptions, NotForDefinitions {
  load: Loader<M>
  tasks?: OptionsOf<NoInfer<M>>
}

/** Options for each task of a module. */
export type OptionsOf<M> = { [K in TaskNames<M>]?: DefinitionOptions & NotForDefinitions }

/** The exports of a module that are tasks: its functions, but for `teardown`, which the pool calls. */
export type TaskNames<M> = {
  [K in keyof M & string]: K extends 'teardown' ? never : M[K] extends TaskFunction ? K : never
}[keyof M & string]

/** References to every task, module by module. */
export type Tasks<W extends Record<string, object>> = {
  readonly [K in keyof W]: TasksOf<W[K]>
}

/** References to the tasks of one module. */
export type TasksOf<M> = { readonly [N in TaskNames<M>]: M[N] extends TaskFunction ? Task<M[N]> : never }

/** One module of a tasks file. */
export interface Definition {
  load: Loader<object>
  options: ResolvedOptions
  tasks: ReadonlyMap<string, ResolvedOptions>
}

/** All modules of a tasks file, by name. */
export type Definitions = ReadonlyMap<string, Definition>

/**
 * The definitions of this thread, by the URL of the tasks file. A worker imports that file and finds them here,
 * whatever the file exports; global, because the package may be loaded twice.
 */
const registry: Map<string, Definitions> = ((globalThis as Record<symbol, unknown>)[
  Symbol.for('afterwork.tasks')
] ??= new Map<string, Definitions>()) as Map<string, Definitions>

const definedIn = Symbol.for('afterwork.definedIn')

/** Set on globalThis while a worker imports the tasks file, so that createAfterwork() can refuse to run in it. */
export const importingTasks = Symbol.for('afterwork.importingTasks')

/**
 * Declares what can be queued. No module is loaded on the main thread; each worker imports this file and loads
 * what it runs.
 *
 * @param url `import.meta.url` of the file that calls it, which must not be the app's entry.
 * @param modules a loader, or `{ load, ...options, tasks: { name: options } }`, for each module.
 * @throws AFTERWORK_BAD_OPTION
 * @example
 * export const tasks = defineTasks(import.meta.url, {
 *   files: () => import('../workers/files.ts'),
 *   mail: { load: () => import('../workers/mail.ts'), pool: 'mail', retries: 8 },
 * })
 */
export function defineTasks<W extends Record<string, object>>(
  url: string,
  modules: { [K in keyof W]: Loader<W[K]> | TaskModule<W[K]> },
): Tasks<W> {
  if (typeof url !== 'string' || !url.startsWith('file:')) {
    throw badOption(
      'defineTasks(url, modules): url',
      'import.meta.url (a file: URL; CommonJS output has none)',
      url,
    )
  }
  const definitions = new Map<string, Definition>()
  const references: Record<string, object> = {}
  for (const [name, given] of Object.entries(modules) as [string, unknown][]) {
    const definition = define(name, given)
    definitions.set(name, definition)
    references[name] = moduleReferences(url, name, definition)
  }
  registry.set(url, definitions)
  Object.defineProperty(references, definedIn, { value: url })
  return Object.freeze(references) as Tasks<W>
}

/** The URL of the file whose defineTasks() made this object; throws AFTERWORK_BAD_OPTION when none did. */
export function urlOf(tasks: unknown): string {
  const url =
    typeof tasks === 'object' && tasks !== null ? (tasks as Record<symbol, unknown>)[definedIn] : undefined
  if (typeof url === 'string') return url
  throw badOption('createAfterwork().tasks', 'what defineTasks() returned', tasks)
}

/** The definitions that the file of this URL made in this thread. */
export function definitionsOf(url: string): Definitions {
  const definitions = registry.get(url)
  if (definitions !== undefined) return definitions
  throw new AfterworkError(
    'AFTERWORK_TASKS_FILE',
    `${url} was imported but called no defineTasks(import.meta.url, ...)`,
  )
}

/** Splits 'files.processFile' into module and export. */
export function splitName(name: string): [module: string, task: string] {
  const dot = name.lastIndexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

function define(name: string, given: unknown): Definition {
  const where = `defineTasks().${name}`
  if (name === '' || name.includes('.')) throw badOption('defineTasks()', 'module names without a dot', name)
  if (typeof given === 'function')
    return { load: given as Loader<object>, options: defaults, tasks: new Map() }
  if (typeof given !== 'object' || given === null)
    throw badOption(where, `a loader such as () => import('./${name}.ts')`, given)
  const { load, tasks = {}, ...options } = given as TaskModule<object>
  if (typeof load !== 'function')
    throw badOption(`${where}.load`, `a loader such as () => import('./${name}.ts')`, load)
  const resolved = resolveOptions(options, defaults, where, 'definition')
  const taskOptions = Object.entries(checkKeys(tasks, Object.keys(tasks ?? {}), `${where}.tasks`)).map(
    ([task, own]) => [task, resolveOptions(own, resolved, `${where}.tasks.${task}`, 'definition')] as const,
  )
  return { load, options: resolved, tasks: new Map(taskOptions) }
}

/** Which functions a module exports is known in workers only, so a reference is made for whatever name is asked for. */
function moduleReferences(url: string, module: string, definition: Definition): object {
  const made = new Map<string, Task>()
  return new Proxy(Object.freeze({}), {
    get(_target, key) {
      if (typeof key === 'symbol' || key === 'then' || key === 'toJSON') return undefined
      let reference = made.get(key)
      if (reference === undefined) {
        reference = createReference(url, `${module}.${key}`, definition.tasks.get(key) ?? definition.options)
        made.set(key, reference)
      }
      return reference
    },
    set(_target, key) {
      throw new AfterworkError('AFTERWORK_BAD_OPTION', `tasks.${module}.${show(key)} cannot be set`)
    },
  })
}
