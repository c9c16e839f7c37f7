/**
 * Checked by the compiler only: each line below `@ts-expect-error` must not compile. Nothing here is run.
 */
import { defineTasks } from '../../src/core/definition.ts'
import type { AddTask, ArgsOf, ResultOf, Task } from '../../src/core/reference.ts'
import type { StoredFile } from '../../src/core/stored-file.ts'

class Account {
  owner = 'somebody'
  close(): void {}
}

const files = {
  resize: (_file: StoredFile, _options: { widths?: number[]; at?: Date } = {}) => Promise.resolve(['a.jpg']),
  join: (_separator: string, ..._names: string[]) => 3n,
  notify: (_message: string, _onDone: () => void) => {},
  charge: (_account: Account) => {},
  store: (_bytes: Uint8Array, _options: { total: bigint; tags: { name: string }[] }) => {},
  anything: (_value: unknown) => {},
  teardown: () => {},
  version: 3,
}
const load = () => Promise.resolve(files)
const tasks = defineTasks(import.meta.url, {
  files: load,
  more: { load, pool: 'images', tasks: { resize: { retries: 3 } } },
})

declare const addTask: AddTask<string>
declare const file: StoredFile
declare function same<A, B>(
  ...same: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [A, 'is not', B]
): void

export function compiles(): void {
  addTask(tasks.files.resize, file)
  addTask(tasks.files.resize, file, { widths: [1], at: new Date() })
  addTask(tasks.more.resize.with({ priority: 5, timeout: '30s', delay: '1m' }), file)
  addTask(tasks.files.join, ',')
  addTask(tasks.files.join, ',', 'a', 'b')
  addTask(tasks.files.store, Buffer.from('x'), { total: 5n, tags: [{ name: 'a' }] })
  addTask(tasks.files.anything, { not: ['checked', 'here'] })

  same<ResultOf<typeof tasks.files.resize>, string[]>()
  same<ResultOf<typeof tasks.files.join>, bigint>()
  same<ArgsOf<typeof tasks.files.join>, [_separator: string, ..._names: string[]]>()
  same<typeof tasks.files.join, Task<typeof files.join>>()
  same<ReturnType<typeof tasks.files.join.with>, Task<typeof files.join>>()
}

export function doesNotCompile(): void {
  // @ts-expect-error a wrong argument
  addTask(tasks.files.resize, 'photo.jpg')
  // @ts-expect-error a wrong property of an argument
  addTask(tasks.files.resize, file, { widths: ['1'] })
  // @ts-expect-error an unknown property of an argument
  addTask(tasks.files.resize, file, { heights: [1] })
  // @ts-expect-error a missing argument
  addTask(tasks.files.resize)
  // @ts-expect-error an argument too many
  addTask(tasks.files.resize, file, {}, 3)
  // @ts-expect-error a wrong argument after with()
  addTask(tasks.files.resize.with({ priority: 1 }), 7)
  // @ts-expect-error a function as argument
  addTask(tasks.files.notify, 'done', () => {})
  // @ts-expect-error an object with methods as argument
  addTask(tasks.files.charge, new Account())

  // @ts-expect-error a plain function
  addTask(files.resize, file)
  // @ts-expect-error a closure
  addTask(() => {})
  // @ts-expect-error a module of tasks
  addTask(tasks.files)
  // @ts-expect-error the name of a task
  addTask('files.resize', file)

  // @ts-expect-error an unknown task
  void tasks.files.rezise
  // @ts-expect-error an unknown module
  void tasks.file
  // @ts-expect-error an export that is no function
  void tasks.files.version
  // @ts-expect-error teardown is the pool's
  void tasks.files.teardown
  // @ts-expect-error a task cannot be replaced
  tasks.files.resize = tasks.more.resize

  // @ts-expect-error an unknown option
  tasks.files.resize.with({ retires: 3 })
  // @ts-expect-error a wrong duration
  tasks.files.resize.with({ timeout: '10 minutes' })
  // @ts-expect-error a wrong type of option
  tasks.files.resize.with({ runAt: '2030-01-01' })
}

export function definitionDoesNotCompile(): void {
  // @ts-expect-error options for a task that the module does not export
  defineTasks(import.meta.url, { files: { load, tasks: { rezise: {} } } })
  // @ts-expect-error an unknown option of a module
  defineTasks(import.meta.url, { files: { load, retires: 3 } })
  // @ts-expect-error an option that is for calls only
  defineTasks(import.meta.url, { files: { load, delay: '1s' } })
  // @ts-expect-error no loader
  defineTasks(import.meta.url, { files: './files.ts' })
  // @ts-expect-error no url
  defineTasks({ files: load })
}
