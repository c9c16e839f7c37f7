import { createAfterwork, type AfterworkOptions } from 'afterwork'
import test from 'ava'
import { quick, startAfterwork } from './support/app.ts'
import { tasks as appAsTasks } from './support/broken/app-as-tasks.ts'
import { tasks as listeningTasks } from './support/broken/listening-tasks.ts'
import { tasks as misspelledTask } from './support/broken/misspelled-task.ts'
import { tasks as missingModule } from './support/broken/missing-module.ts'
import { tasks as throwingModule } from './support/broken/throwing-module.ts'
import { startGate } from './support/gate.ts'
import { tasks } from './support/tasks.ts'

const broken: [what: string, tasks: AfterworkOptions['tasks'], sentence: RegExp][] = [
  [
    'a module is missing',
    missingModule,
    /^Cannot load module gone of file:.*missing-module\.ts: Cannot find module/,
  ],
  ['a module throws', throwingModule, /^Cannot load module bad of file:.*: no database here$/],
  ['an option names no task', misspelledTask, /^Cannot load module steps of .*: it has options for ekko/],
  [
    'the tasks file is the app',
    appAsTasks,
    /The tasks file calls createAfterwork\(\): keep defineTasks\(\) in a file apart/,
  ],
  [
    'the tasks file listens',
    listeningTasks,
    /The tasks file starts a server: keep defineTasks\(\) in a file apart/,
  ],
]

for (const [what, given, sentence] of broken) {
  test(`start() fails with one line when ${what}`, async (t) => {
    const afterwork = createAfterwork({ ...quick, tasks: given })
    t.teardown(() => afterwork.stop())
    const error = await t.throwsAsync(afterwork.start(), { code: 'AFTERWORK_TASKS_FILE', message: sentence })
    t.false(error.message.includes('\n'))
    await t.throwsAsync(afterwork.addTask(tasks.steps.echo), { code: 'AFTERWORK_NOT_STARTED' })
  })
}

test('options are checked when the app is created', (t) => {
  const refused: [options: object, sentence: RegExp][] = [
    [{ tasks: {} }, /createAfterwork\(\)\.tasks: Expected what defineTasks\(\) returned/],
    [{ queues: 'memory:' }, /got "queues", did you mean "queue"\?/],
    [{ queue: 'nowhere:' }, /queue: Expected .*, got "nowhere:"/],
    [{ queue: '' }, /queue: Expected a string that is not empty/],
    [{ maxQueued: 0 }, /maxQueued: Expected an integer from 1/],
    [{ maxQueuedBytes: '1MB' }, /maxQueuedBytes: Expected an integer from 1/],
    [{ drain: 'soon' }, /drain: Expected milliseconds or a duration/],
    [{ keepFiles: -1 }, /keepFiles: Expected milliseconds or a duration/],
    [{ pools: { cpu: { maxThread: 1 } } }, /pools\.cpu: .*got "maxThread", did you mean "maxThreads"\?/],
    [
      { pools: { cpu: { minThreads: 3, maxThreads: 2 } } },
      /minThreads: Expected at most maxThreads, which is 2, got 3/,
    ],
    [{ pools: { local: {} } }, /names other than 'local'/],
  ]
  for (const [options, message] of refused) {
    t.throws(() => createAfterwork({ ...quick, ...options }), { code: 'AFTERWORK_BAD_OPTION', message })
  }
})

test('addTask() resolves once the task is committed, and it runs without a request', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  const task = await afterwork.addTask(tasks.steps.echo, 'a', { b: [1] })
  t.is(task.name, 'steps.echo')
  t.is((await afterwork.records.get(task.id))?.id, task.id)
  t.is(await events.ended(task.id), 'succeeded')
  t.is((await afterwork.records.get(task.id))?.result, '["a",{"b":[1]}]')
  t.false(events.of('task.added')[0]!.held)
})

test('addTask() rejects what cannot be stored and what does not fit, and keeps nothing of it', async (t) => {
  const { afterwork } = await startAfterwork(t, { maxQueued: 1, maxQueuedBytes: 1_000 })
  await t.throwsAsync(afterwork.addTask(tasks.steps.echo, 'x'.repeat(1_000)), {
    code: 'AFTERWORK_QUEUE_FULL',
  })
  await t.throwsAsync(async () => afterwork.addTask(tasks.steps.echo, Symbol('no')), {
    code: 'AFTERWORK_BAD_VALUE',
  })
  t.deepEqual(await afterwork.records.list({ limit: 1 }), [])
  await afterwork.addTask(tasks.steps.echo.with({ delay: '1h' }))
  await t.throwsAsync(afterwork.addTask(tasks.steps.echo), { code: 'AFTERWORK_QUEUE_FULL' })
  t.is((await afterwork.records.list({ limit: 9 })).length, 1)
})

test('stop() waits for what runs, starts nothing more, and says what is left', async (t) => {
  const gate = await startGate(t)
  const pools = { ...quick.pools, cpu: { minThreads: 1, maxThreads: 1, nice: 0 } }
  const { afterwork, events } = await startAfterwork(t, { drain: '1m', pools })
  const running = await afterwork.addTask(tasks.steps.pass, gate.url('running'))
  const waiting = await afterwork.addTask(tasks.steps.echo)
  await gate.arrival('running')
  const stopped = afterwork.stop()
  t.is(afterwork.stop(), stopped)
  await t.throwsAsync(async () => afterwork.addTask(tasks.steps.echo), { code: 'AFTERWORK_STOPPED' })
  await gate.pass('running')
  await stopped
  t.is(await events.ended(running.id), 'succeeded')
  t.deepEqual(events.life(waiting.id), ['task.added'])
  t.is((await events.until('afterwork.stopped')).left, 1)
})

test('stop() interrupts what runs longer than the drain, and charges it nothing', async (t) => {
  const gate = await startGate(t)
  const { afterwork, events } = await startAfterwork(t, { drain: 1 })
  const { id } = await afterwork.addTask(tasks.steps.pass.with({ retries: 0 }), gate.url('long'))
  await gate.arrival('long')
  await afterwork.stop()
  const { failure } = await events.until('task.interrupted', (event) => event.id === id)
  t.is(failure.code, 'AFTERWORK_STOPPING')
  t.deepEqual(events.life(id), ['task.added', 'task.started', 'task.interrupted'])
})

test('start() is done once, and fails when stop() came first', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  await afterwork.start()
  t.is(events.of('afterwork.started').length, 1)

  const stopped = createAfterwork(quick)
  const starting = stopped.start()
  const stopping = stopped.stop()
  await t.throwsAsync(starting, { code: 'AFTERWORK_STOPPED' })
  await stopping
})

test('no signal handler is installed, and an app that was never started can be stopped', async (t) => {
  const listeners = () =>
    (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((signal) => process.listenerCount(signal))
  const before = listeners()
  const { afterwork } = await startAfterwork(t)
  t.deepEqual(listeners(), before)
  await afterwork.stop()
  await createAfterwork(quick).stop()
})

test('listeners are called once or until they are taken off, and one that fails is told of as an error', async (t) => {
  const { afterwork, events } = await startAfterwork(t)
  const called: string[] = []
  const listener = () => void called.push('on')
  afterwork.on('task.added', listener).once('task.added', () => void called.push('once'))
  afterwork.once('task.added', () => {
    throw new Error('a bad listener')
  })
  const first = await afterwork.addTask(tasks.steps.echo)
  await afterwork.addTask(tasks.steps.echo)
  afterwork.off('task.added', listener)
  await afterwork.addTask(tasks.steps.echo)
  t.deepEqual(called, ['on', 'once', 'on'])
  const { error, during } = await events.until('afterwork.error')
  t.deepEqual([error.message, during], ['a bad listener', 'a listener of task.added'])
  t.is(await events.ended(first.id), 'succeeded')
})

test('a limit for a task that there is not stops the start', async (t) => {
  const afterwork = createAfterwork({ ...quick, limits: { 'steps.ecko': { concurrency: 1 } } })
  await t.throwsAsync(afterwork.start(), {
    code: 'AFTERWORK_UNKNOWN_TASK',
    message: /steps\.ecko.*did you mean "steps\.echo"/,
  })
  await afterwork.stop()
})
