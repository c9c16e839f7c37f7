import type { Definition, Definitions } from '../../core/definition.ts'
import type { TaskFunction } from '../../core/reference.ts'

/** What a module of the tasks file exports: its tasks by name, and what is called before it is left. */
export interface ModuleExports {
  tasks: Record<string, TaskFunction>
  teardown: TaskFunction | undefined
}

/** Loads a module. */
export async function exportsOf(definition: Definition): Promise<ModuleExports> {
  const exported = Object.entries(await definition.load())
  const callable = exported.filter((entry): entry is [string, TaskFunction] => typeof entry[1] === 'function')
  const { teardown, ...tasks } = Object.fromEntries(callable)
  return { tasks, teardown }
}

/** Loads every module with `load`, which is told each name, and gives the names of all tasks. */
export async function loadAll(
  definitions: Definitions,
  load: (module: string) => Promise<Record<string, TaskFunction>>,
): Promise<string[]> {
  const names: string[] = []
  for (const [module, definition] of definitions) {
    const functions = Object.keys(await load(module))
    names.push(...functions.map((name) => `${module}.${name}`))
    for (const name of definition.tasks.keys()) {
      if (!functions.includes(name))
        throw new Error(`it has options for ${name}, but the module exports no such function`)
    }
  }
  return names
}
