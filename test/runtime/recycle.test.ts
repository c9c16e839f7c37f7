import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createAfterwork, type Afterwork, type Task } from 'afterwork'
import { quick } from '../support/app.ts'
import { EventLog } from '../support/events.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startGate } from '../support/gate.ts'

type Version = () => string
type Count = (file: string) => Promise<void>
type Held = (url: string) => Promise<string>

/** A module whose tasks tell which version of it they are; `held` waits at a gate, `count` writes down that it ran. */
const module = (version: string, more = '') => `
import { appendFile } from 'node:fs/promises'
export const count = (file) => appendFile(file, 'x')
export const version = () => '${version}'
export async function held(url) { await (await fetch(url)).text(); return '${version}' }
${more}
`

/** An app whose module of tasks can be written anew. */
class Deployment {
  readonly afterwork: Afterwork
  readonly events: EventLog
  readonly tasks: {
    work: { version: Task<Version>; count: Task<Count>; held: Task<Held>; late: Task<Version> }
  }
  readonly #file: string

  private constructor(folder: string, tasks: Deployment['tasks']) {
    this.#file = join(folder, 'work.js')
    this.tasks = tasks
    const pools = { cpu: { minThreads: 1, maxThreads: 2, nice: 0 }, mail: { minThreads: 0, nice: 0 } }
    this.afterwork = createAfterwork({ ...quick, pools, tasks } as Parameters<typeof createAfterwork>[0])
    this.events = new EventLog(this.afterwork)
  }

  static async create(t: ExecutionContext): Promise<Deployment> {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'tasks.js')
    await writeFile(join(folder, 'package.json'), '{"type": "module"}')
    await writeFile(
      file,
      `import { defineTasks } from '${import.meta.resolve('afterwork/tasks')}'
export const tasks = defineTasks(import.meta.url, { work: () => import('./work.js') })`,
    )
    const { tasks } = (await import(pathToFileURL(file).href)) as { tasks: Deployment['tasks'] }
    const deployment = new Deployment(folder, tasks)
    await deployment.deploy(module('one'))
    t.teardown(() => deployment.afterwork.stop())
    return deployment
  }

  deploy(content: string): Promise<void> {
    return writeFile(this.#file, content)
  }

  async resultOf(id: string): Promise<unknown> {
    const { result } = (await this.afterwork.records.get(id))!
    return JSON.parse(result!)
  }

  /** What a task gives. */
  async result(task: Task<Version>): Promise<unknown> {
    const { id } = await this.afterwork.addTask(task)
    await this.events.ended(id)
    return this.resultOf(id)
  }
}

// One after the other: each starts many threads, and those that wait long for a core are started again.
test.serial('recycle() gives new code to what starts, and lets what runs end on the old', async (t) => {
  const gate = await startGate(t)
  const deployed = await Deployment.create(t)
  const { afterwork, tasks, events } = deployed
  await afterwork.start()
  const held = await afterwork.addTask(tasks.work.held, gate.url('door'))
  await gate.arrival('door')
  // On the other thread, which then has loaded the old code as well.
  t.is(await deployed.result(tasks.work.version), 'one')
  await deployed.deploy(module('two'))
  t.deepEqual(await afterwork.recycle(), { added: [], removed: [] })
  t.is(await deployed.result(tasks.work.version), 'two')
  t.is(afterwork.pools().find(({ name }) => name === 'cpu')!.running, 1)
  await gate.pass('door')
  t.is(await events.ended(held.id), 'succeeded')
  t.is(await deployed.resultOf(held.id), 'one')
  t.deepEqual(events.of('task.interrupted'), [])
})

test.serial('names that come may be added from then on, and names that go no more', async (t) => {
  const deployed = await Deployment.create(t)
  const { afterwork, tasks } = deployed
  await afterwork.start()
  await t.throwsAsync(afterwork.addTask(tasks.work.late), { code: 'AFTERWORK_UNKNOWN_TASK' })
  await deployed.deploy(module('two', "export const late = () => 'late'"))
  t.deepEqual(await afterwork.recycle(), { added: ['work.late'], removed: [] })
  t.is(await deployed.result(tasks.work.late), 'late')
  await deployed.deploy(module('three'))
  t.deepEqual(await afterwork.recycle(), { added: [], removed: ['work.late'] })
  await t.throwsAsync(afterwork.addTask(tasks.work.late), { code: 'AFTERWORK_UNKNOWN_TASK' })
})

for (const [what, content, sentence] of [
  ['a syntax error', 'export const = 1', /Cannot load module work of file:.*tasks\.js: /],
  ['a throw', "throw new Error('no database here')", /Cannot load module work .*: no database here/],
  ['an exit', 'process.exit(3)', /Cannot .*: the thread ended with code 3/],
] as const) {
  test.serial(`after ${what} in a module the threads stay as they were, until it is mended`, async (t) => {
    const deployed = await Deployment.create(t)
    const { afterwork, tasks, events } = deployed
    await afterwork.start()
    t.is(await deployed.result(tasks.work.version), 'one')
    await deployed.deploy(content)
    await t.throwsAsync(afterwork.recycle(), { code: 'AFTERWORK_TASKS_FILE', message: sentence })
    t.is(await deployed.result(tasks.work.version), 'one')
    await deployed.deploy(module('mended'))
    await afterwork.recycle()
    t.is(await deployed.result(tasks.work.version), 'mended')
    t.deepEqual(events.of('afterwork.error'), [])
  })
}

test.serial(
  'called many times at once it recycles one after the other, and the last sees what was written last',
  async (t) => {
    const deployed = await Deployment.create(t)
    const { afterwork, tasks, events } = deployed
    await afterwork.start()
    t.is(await deployed.result(tasks.work.version), 'one')
    const turns: Promise<unknown>[] = []
    for (const version of ['two', 'three', 'four']) {
      await deployed.deploy(module(version))
      turns.push(afterwork.recycle())
    }
    await Promise.all(turns)
    t.is(await deployed.result(tasks.work.version), 'four')
    t.deepEqual(events.of('afterwork.error'), [])
  },
)

test.serial('while tasks come and go none is lost and none runs twice', async (t) => {
  const deployed = await Deployment.create(t)
  const { afterwork, tasks, events } = deployed
  await afterwork.start()
  const file = join(await temporaryFolder(t), 'runs')
  const ids: string[] = []
  const add = async () => {
    for (let i = 0; i < 20; i++) ids.push((await afterwork.addTask(tasks.work.count, file)).id)
  }
  for (let i = 0; i < 5; i++) {
    const recycled = afterwork.recycle()
    await add()
    await recycled
    await add()
  }
  for (const id of ids) t.is(await events.ended(id), 'succeeded')
  t.is((await readFile(file, 'utf8')).length, ids.length)
})

test.serial('before start(), while it starts, and after stop() recycle() does no harm', async (t) => {
  const deployed = await Deployment.create(t)
  const { afterwork, tasks } = deployed
  const nothing = { added: [], removed: [] }
  t.deepEqual(await afterwork.recycle(), nothing)
  const [, recycled] = await Promise.all([afterwork.start(), afterwork.recycle()])
  t.deepEqual(recycled, nothing)
  t.is(await deployed.result(tasks.work.version), 'one')
  const late = afterwork.recycle()
  await afterwork.stop()
  t.deepEqual(await late, nothing)
  t.deepEqual(await afterwork.recycle(), nothing)
  await t.throwsAsync(afterwork.addTask(tasks.work.version), { code: 'AFTERWORK_STOPPED' })
})
