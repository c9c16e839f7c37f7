import { definitionsOf, splitName } from '../core/definition.ts'
import { AfterworkError } from '../core/errors.ts'
import type { TaskFunction } from '../core/reference.ts'
import type { Catalog } from '../pool/envelope.ts'
import { exportsOf, loadAll, type ModuleExports } from '../pool/worker/modules.ts'

/**
 * The modules of a tasks file in this process. They are asked for anew each time, by the loaders of the definition, so
 * that what a test puts in the place of a module, or of one of its functions, is what runs.
 */
export class Modules {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** Loads all of them; throws AFTERWORK_TASKS_FILE with one line that names the module and the reason. */
  async find(): Promise<Pick<Catalog, 'names' | 'teardown'>> {
    let doing = `load the tasks file ${this.#url}`
    let teardown = false
    try {
      const names = await loadAll(definitionsOf(this.#url), async (module) => {
        doing = `load module ${module} of ${this.#url}`
        const found = await this.#load(module)
        teardown ||= found.teardown !== undefined
        return found.tasks
      })
      return { names: new Set(names), teardown }
    } catch (cause) {
      const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
      throw new AfterworkError('AFTERWORK_TASKS_FILE', `Cannot ${doing}: ${reason}`, { cause })
    }
  }

  async task(name: string): Promise<TaskFunction> {
    const [module, task] = splitName(name)
    const found = (await this.#load(module)).tasks[task]
    if (found !== undefined) return found
    throw new AfterworkError('AFTERWORK_UNKNOWN_TASK', `Module ${module} exports no function ${task}`)
  }

  /** Calls `teardown` of every module that exports it; rejects with the first that fails, once all have ended. */
  async tearDown(): Promise<void> {
    const calls = Array.from(definitionsOf(this.#url).values(), async (definition) => {
      await (await exportsOf(definition)).teardown?.()
    })
    const failed = (await Promise.allSettled(calls)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
  }

  #load(module: string): Promise<ModuleExports> {
    const definition = definitionsOf(this.#url).get(module)
    if (definition !== undefined) return exportsOf(definition)
    throw new AfterworkError('AFTERWORK_UNKNOWN_TASK', `${this.#url} defines no module ${module}`)
  }
}
