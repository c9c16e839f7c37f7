import test, { type ExecutionContext } from 'ava'
import { defineTasks } from '../../src/core/definition.ts'
import { AfterworkError } from '../../src/core/errors.ts'
import { Events } from '../../src/core/events.ts'
import type { NewTask } from '../../src/core/task.ts'
import { Intake } from '../../src/queue/intake.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { newGroup, newTask, storedFile } from './conformance.ts'
import { death } from './sqlite/death.ts'
import { openQueue } from './sqlite/opened.ts'
import { SlowQueue } from './sqlite/slow-queue.ts'

const url = 'file:///app/tasks.ts'
const { files } = defineTasks(url, {
  files: () => Promise.resolve({ resize(_file?: unknown): void {}, rotate(): void {} }),
})

function setUp(t: ExecutionContext, maxTasks = 100) {
  const queue = new MemoryQueue({ maxTasks, maxBytes: 1_000_000 }, { tasks: 10 })
  const events = new Events()
  const intake = new Intake(queue, events, url, 5_000)
  t.teardown(() => queue.close())
  return { queue, events, intake }
}

function opened(t: ExecutionContext, maxTasks?: number) {
  const all = setUp(t, maxTasks)
  all.intake.open(new Set(['files.resize']), new Set(['cpu', 'mail']))
  return all
}

test('what is added becomes a task with its arguments, options, files and group', (t) => {
  const { intake } = opened(t)
  const file = storedFile()
  const task = intake.create(files.resize.with({ priority: 3, pool: 'mail' }), [file, { at: 5n }], 'a group')
  t.like(task, { name: 'files.resize', files: [file], group: 'a group' })
  t.is(task.args, JSON.stringify([file, { at: { $: ['bigint', '5'] } }]))
  t.like(task.options, { priority: 3, pool: 'mail' })
})

test('a task that is not ordered, or outside a request, is a group of its own', (t) => {
  const { intake } = opened(t)
  const unordered = intake.create(files.resize.with({ ordered: false }), [], 'a group')
  const alone = intake.create(files.resize, [], undefined)
  t.is(unordered.group, unordered.id)
  t.is(alone.group, alone.id)
  t.not(alone.group, unordered.group)
})

test('nothing is taken before the start', async (t) => {
  const { intake } = setUp(t)
  const notStarted = { code: 'AFTERWORK_NOT_STARTED', message: /before app\.listen\(\)$/ }
  t.throws(() => intake.create(files.resize, [], undefined), notStarted)
  await t.throwsAsync(intake.commit([newTask()], { held: false }), notStarted)
})

test('nothing is taken after the end, and what was held is still released', async (t) => {
  const { intake, queue } = opened(t)
  const task = intake.create(files.resize, [], undefined)
  await intake.commit([task], { held: true })
  intake.close()
  t.throws(() => intake.create(files.resize, [], undefined), { code: 'AFTERWORK_STOPPED' })
  await t.throwsAsync(intake.commit([newTask()], { held: false }), { code: 'AFTERWORK_STOPPED' })
  await intake.release([task])
  t.is((await queue.claim('cpu', 5)).length, 1)
})

test('what cannot run is refused at once', (t) => {
  const { intake } = opened(t)
  const create = (reference: unknown, ...args: unknown[]) => intake.create(reference, args, undefined)
  t.throws(() => create(() => {}), { code: 'AFTERWORK_BAD_TASK', message: /use addLocal/ })
  t.throws(() => create(files.rotate), { code: 'AFTERWORK_UNKNOWN_TASK', message: /files\.rotate/ })
  t.throws(() => create(files.resize.with({ pool: 'mial' })), {
    code: 'AFTERWORK_BAD_OPTION',
    message: 'files.resize: Expected one of the pools cpu, mail, got mial',
  })
  t.throws(() => create(files.resize, 'fine', new Map()), {
    code: 'AFTERWORK_BAD_VALUE',
    message: /^argument 2 of files\.resize: /,
  })
})

test('a task goes into a transaction where the queue has some, alone, and nobody is told of it', async (t) => {
  const { events, queue } = opened(t)
  events.on('task.added', () => t.fail())
  const client = { query: () => Promise.resolve({ rows: [] }) }
  const taken: unknown[] = []
  const within = Object.assign(queue, {
    addWithin: async (task: NewTask, given: unknown) =>
      void taken.push(task.name, task.group === task.id, given),
  })
  const intake = new Intake(within, events, url, 5_000)
  const reference = files.resize.with({ client }).with({ priority: 1 })
  await t.throwsAsync(intake.add(reference, []), { code: 'AFTERWORK_NOT_STARTED' })
  intake.open(new Set(['files.resize']), new Set(['cpu']))
  await intake.add(reference, [])
  t.deepEqual(taken, ['files.resize', true, client])
  t.throws(() => intake.create(reference, [], undefined), {
    code: 'AFTERWORK_BAD_OPTION',
    message:
      'files.resize.with({ client }): Expected `await afterwork.addTask(...)`, which alone can add to a transaction of yours, got ctx.background.addTask()',
  })
})

test('a task with a client is refused where the queue is in no database', async (t) => {
  const { intake, queue } = opened(t)
  const client = { query: () => Promise.resolve({ rows: [] }) }
  await t.throwsAsync(intake.add(files.resize.with({ client }), []), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /^files\.resize\.with\(\{ client \}\): Expected a queue in PostgreSQL/,
  })
  t.deepEqual(await queue.claim('cpu', 5), [])
})

test('tasks with files are taken only where those who run them would find these', async (t) => {
  const { events, queue } = setUp(t)
  const reason = new AfterworkError('AFTERWORK_FILES_NOT_SHARED', 'elsewhere')
  const intake = new Intake(queue, events, url, 5_000, () => Promise.reject(reason))
  intake.open(new Set(['files.resize']), new Set(['cpu']))
  await t.throwsAsync(intake.add(files.resize, [storedFile()]), { is: reason })
  const plain = await intake.add(files.resize, [])
  t.deepEqual(
    (await queue.claim('cpu', 5)).map(({ id }) => id),
    [plain.id],
  )
})

test('who commits, releases and drops is told of', async (t) => {
  const { intake, events, queue } = opened(t)
  const told: [string, string, unknown][] = []
  events.on('task.added', ({ id, held }) => void told.push(['added', id, held]))
  events.on('task.released', ({ id, pool }) => void told.push(['released', id, pool]))
  events.on('task.dropped', ({ id, reason }) => void told.push(['dropped', id, reason]))
  const [a, b] = [intake.create(files.resize, [], 'g'), intake.create(files.resize, [], 'g')]
  await intake.commit([a, b], { held: true })
  t.deepEqual(await queue.claim('cpu', 5), [])
  await intake.release([a])
  intake.drop([b], 'the handler threw')
  t.deepEqual(told, [
    ['added', a.id, true],
    ['added', b.id, true],
    ['released', a.id, 'cpu'],
    ['dropped', b.id, 'the handler threw'],
  ])
})

test('a full queue says so, and nobody is told of tasks that were not kept', async (t) => {
  const { intake, events } = opened(t, 1)
  events.on('task.added', () => t.fail())
  await t.throwsAsync(intake.commit([newTask(), newTask()], { held: false }), {
    code: 'AFTERWORK_QUEUE_FULL',
  })
})

test('whatever else the engine fails with is the cause of AFTERWORK_QUEUE_FAILED', async (t) => {
  const { intake, queue } = opened(t)
  const cause = new Error('disk I/O error')
  queue.add = () => Promise.reject(cause)
  const error = await t.throwsAsync(intake.commit([newTask()], { held: false }), {
    instanceOf: AfterworkError,
    code: 'AFTERWORK_QUEUE_FAILED',
  })
  t.is(error.cause, cause)
})

const timedOut = { code: 'AFTERWORK_QUEUE_TIMEOUT', message: /did not answer within 1 ms; try again later/ }

/** A queue on disk that answers late, and two that commit to it: one that waits for that, and one that does not. */
async function slow(t: ExecutionContext) {
  const queue = await openQueue(t, { Engine: SlowQueue })
  const events = new Events()
  const intakes = [1, 60_000].map((timeout) => new Intake(queue.engine, events, url, timeout))
  for (const intake of intakes) intake.open(new Set(['files.resize']), new Set(['cpu']))
  const [hasty, patient] = intakes as [Intake, Intake]
  return { queue, engine: queue.engine as SlowQueue, events, hasty, patient }
}

test('a commit that comes too late is refused, and undone as soon as the queue answers', async (t) => {
  const { queue, engine, events, hasty } = await slow(t)
  events.on('task.added', () => t.fail())
  const file = storedFile()
  const [first, second] = newGroup({ files: [file] }, { options: { delay: 5 } })
  const tasks = [first!, second!, newTask(), newTask({ options: { unique: 'key' } })]
  engine.hold()
  await t.throwsAsync(hasty.commit(tasks, { held: true }), timedOut)
  // It is on disk all the same.
  t.is((await queue.counters())['queued'], 4)
  t.deepEqual(await queue.claim(), [])
  engine.answer()
  await hasty.undone()
  for (const task of tasks) t.is(await engine.get(task.id), undefined)
  t.is(await engine.file(file.id), undefined)
  t.deepEqual(await queue.counters(), {})
  t.deepEqual(await queue.counted(), {})
  t.deepEqual(await queue.claim(), [])
})

test('a commit outside a request that comes too late is undone likewise', async (t) => {
  const { queue, engine, hasty } = await slow(t)
  const task = newTask()
  engine.hold()
  await t.throwsAsync(hasty.commit([task], { held: false }), timedOut)
  engine.answer()
  await hasty.undone()
  t.is(await engine.get(task.id), undefined)
  t.deepEqual(await queue.claim(), [])
})

test('a unique task that was committed too late runs for a request that shares it meanwhile', async (t) => {
  const { queue, engine, hasty, patient } = await slow(t)
  const [shared, gone] = newGroup({ options: { unique: 'key' } }, {})
  const [alias, next] = newGroup({ options: { unique: 'key' } }, {})
  engine.hold()
  await t.throwsAsync(hasty.commit([shared!, gone!], { held: true }), timedOut)
  const committed = patient.commit([alias!, next!], { held: true })
  await queue.counters()
  engine.answer()
  await committed
  await hasty.undone()
  await patient.release([alias!, next!])
  t.is((await engine.get(alias!.id))?.id, shared!.id)
  t.is(await engine.get(gone!.id), undefined)
  await queue.end(t, shared!)
  t.deepEqual(await queue.claim(), [next!.id])
  t.deepEqual(await queue.counters(), { succeeded: 1, queued: 1 })
})

test('a commit that fails keeps nothing, whenever the store died', async (t) => {
  for (const moment of [death.beforeCommit, death.afterCommit]) {
    const { queue, patient } = await slow(t)
    const [first, second] = newGroup({ options: { unique: 'key' } }, {})
    queue.dieAt(moment)
    await t.throwsAsync(patient.commit([first!, second!], { held: true }), { code: 'AFTERWORK_QUEUE_FAILED' })
    t.is(await queue.state(first!), undefined)
    t.deepEqual(await queue.counters(), {})
    t.deepEqual(await queue.counted(), {})
  }
})
