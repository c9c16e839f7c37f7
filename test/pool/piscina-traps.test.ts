/** Where Piscina 5.3 sets a trap for who uses it, one test each that shows that nobody falls into it here. */
import { getPriority } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { probeTasks } from '../../src/pool/probe.ts'
import { App, start } from '../runtime/app.ts'
import { tasks } from '../runtime/tasks.ts'
import { claimedTask } from './claimed-task.ts'
import { tasks as missing } from './fixtures/missing-module.ts'
import { again, failureOf, resultOf, Subject, type Run } from './subject.ts'

const { life, stages } = tasks
const work = { tasks: new URL('./fixtures/tasks.ts', import.meta.url).href }
const oneThread = { pools: { cpu: { minThreads: 1, maxThreads: 1, nice: 0 } } }

test.serial('trap 1, close() that spins when a thread is lost while tasks wait: stop() ends', async (t) => {
  const app = await start(t, oneThread)
  const dying = await app.afterwork.addTask(tasks.deaths.exit)
  const waiting = []
  for (let i = 0; i < 20; i++) waiting.push(await app.afterwork.addTask(life.note, `${i}`))
  await app.until('task.started', ({ id }) => id === dying.id)
  let turning = true
  const turns = (async () => {
    let count = 0
    while (turning) {
      await nextTurn()
      count++
    }
    return count
  })()
  await app.afterwork.stop()
  turning = false
  t.true((await turns) > 0)
  t.true(app.of('task.succeeded').length < waiting.length)
})

test.serial('trap 2, run() that never settles when a module is missing or throws: it fails', async (t) => {
  const app = new App({ tasks: missing })
  t.teardown(() => app.afterwork.stop())
  await t.throwsAsync(app.afterwork.start(), { code: 'AFTERWORK_TASKS_FILE', message: /no-such-file/ })
  const throwing = new URL('./fixtures/throwing-module.ts', import.meta.url).href
  await t.throwsAsync(probeTasks(throwing, process.env), { message: /SMTP_URL is not set/ })
  // A module may also break once the app has started.
  for (const [file, name] of [
    ['missing-module.ts', 'photos.shrink'],
    ['throwing-module.ts', 'broken.run'],
  ]) {
    const subject = new Subject(t, {}, { tasks: new URL(`./fixtures/${file}`, import.meta.url).href })
    const [first, second] = [await subject.end(name!), await subject.end(name!)]
    failureOf(t, first)
    failureOf(t, second)
    t.is(first.thread, second.thread)
  }
})

test.serial('trap 3, a queue that keeps no order and no bounds: ours does', async (t) => {
  const app = await start(t, { ...oneThread, maxQueued: 6 })
  const { afterwork } = app
  const running = await afterwork.addTask(life.report)
  await app.waits(running)
  const added = []
  for (let i = 0; i < 4; i++) added.push(await afterwork.addTask(life.note, `${i}`))
  const urgent = await afterwork.addTask(life.note.with({ priority: 1 }), 'first')
  await t.throwsAsync(afterwork.addTask(life.note, 'refused'), { code: 'AFTERWORK_QUEUE_FULL' })
  await afterwork.cancel(added[1]!.id)
  await afterwork.cancel(running.id)
  await app.ended(added[3]!)
  t.deepEqual(
    app.of('task.started').map(({ id }) => id),
    [running, urgent, added[0], added[2], added[3]].map((task) => task!.id),
  )
  t.is(app.of('task.added').length, 6)
})

test.serial('trap 4, a timer that counts the time in the queue: ours starts with the attempt', async (t) => {
  const app = await start(t, oneThread)
  await app.afterwork.addTask(stages.work, 400)
  const record = await app.ended(await app.afterwork.addTask(stages.work.with({ timeout: 200 }), 1))
  t.is(record.state, 'succeeded')
  t.true(record.startedAt! - record.addedAt > 200)
})

test.serial('trap 5, errors that lose what they are: class, code and fields are kept', async (t) => {
  const subject = new Subject(t, {}, work)
  const failed = await subject.end('work.pay')
  t.like(failureOf(t, failed), {
    name: 'PaymentError',
    code: 'CARD_DECLINED',
    fields: { responseCode: 402 },
    cause: { name: 'RangeError' },
  })
  t.is(failureOf(t, await subject.end('work.throwNull')).code, 'AFTERWORK_NOT_AN_ERROR')
  t.is(failureOf(t, await subject.end('work.giveFunction')).code, 'AFTERWORK_BAD_VALUE')
  t.is((await subject.end('work.add', [1, 2])).thread, failed.thread)
})

test.serial('trap 6, a dead thread that fails all that ran on it: only the culprit is charged', async (t) => {
  const subject = new Subject(t, { concurrency: 5 })
  resultOf(t, await subject.end('deaths.leave', ['exception']))
  const neighbours: Run[] = []
  for (let i = 0; i < 3; i++) neighbours.push(await subject.waiting('deaths.neighbour'))
  resultOf(t, await subject.end('deaths.goOff'))
  t.is(failureOf(t, await subject.end('deaths.exit', [7])).message, 'deaths.exit called process.exit(7)')
  for (const { end } of neighbours) failureOf(t, await end, 'interrupted')
  for (const { task } of neighbours) resultOf(t, await subject.run(again(task)).end)
  const memory = 96 * 1024 ** 2
  const full = await subject.end('deaths.fillWithStrings', [], { memory })
  const alone = await subject.run(again(claimedTask('deaths.fillWithStrings', [], { memory }), true)).end
  failureOf(t, full, 'interrupted')
  t.is(failureOf(t, alone).code, 'AFTERWORK_OUT_OF_MEMORY')
})

test.serial('trap 7, no resize: a pool has its new size at once', async (t) => {
  const subject = new Subject(t)
  subject.pool.resize({ ...subject.pool.sizes, maxThreads: 3 })
  const up = []
  for (let i = 0; i < 3; i++) up.push(await subject.waiting('stages.heeding'))
  t.is(subject.pool.free, 0)
  for (const { task } of up) subject.pool.cancel(task.id, 1)
  t.is(new Set((await Promise.all(up.map(({ end }) => end))).map(({ thread }) => thread)).size, 3)
  subject.pool.resize({ ...subject.pool.sizes, maxThreads: 1 })
  t.is(subject.pool.free, 1)
  const down = await subject.waiting('stages.heeding')
  t.is(subject.pool.free, 0)
  subject.pool.cancel(down.task.id, 1)
  failureOf(t, await down.end, 'cancelled')
})

for (const name of ['fillWithBuffers', 'fillWithBuffersAtOnce']) {
  test.serial(`trap 8, limits that do not count Buffers: ours do, ${name}`, async (t) => {
    const subject = new Subject(t)
    const end = await subject.end(`deaths.${name}`, [], { memory: 96 * 1024 ** 2 })
    t.is(failureOf(t, end).code, 'AFTERWORK_OUT_OF_MEMORY')
  })
}

test.serial('trap 9, a thread for each task where none is kept: one serves many', async (t) => {
  const subject = new Subject(t, { minThreads: 0 })
  const threads = new Set<number | null>()
  for (let i = 0; i < 20; i++) threads.add((await subject.end('stages.work', [0])).thread)
  t.is(threads.size, 1)
  // Between tasks the thread sleeps on its loop, not on a lock that would hold its timers up.
  const channel = new BroadcastChannel('afterwork.test')
  t.teardown(() => channel.close())
  const heard = new Promise((resolve) => (channel.onmessage = resolve))
  resultOf(t, await subject.end('deaths.leave', ['loop']))
  resultOf(t, await subject.end('deaths.goOffUnseen'))
  await heard
  t.is(subject.pool.free, 1)
})

// On Linux each thread has a priority of its own.
const onLinux = process.platform === 'linux' ? test.serial : test.skip
onLinux('trap 10, niceness that is silently none: threads are as nice as they should be', async (t) => {
  const own = getPriority()
  const subject = new Subject(t, { nice: 5 }, work)
  t.like(resultOf(t, await subject.end('work.where')), { nice: Math.min(own + 5, 19) })
})
