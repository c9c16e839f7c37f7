import { randomUUID } from 'node:crypto'
import test from 'ava'
import { tasks as teardownTasks } from '../pool/fixtures/teardown-tasks.ts'
import { App, resultOf, start } from './app.ts'
import { tasks } from './tasks.ts'

const { life, stages } = tasks

test.serial('to resize down to one and up to four under load loses no task and repeats none', async (t) => {
  const app = await start(t, { pools: { cpu: { minThreads: 1, maxThreads: 4, nice: 0 } } })
  const added = []
  for (let i = 0; i < 60; i++) added.push(await app.afterwork.addTask(stages.work, 10))
  await app.until('task.succeeded')
  await app.afterwork.resizePool('cpu', { minThreads: 1, maxThreads: 1 })
  await app.until('task.succeeded', () => app.of('task.succeeded').length >= 20)
  t.like(await app.afterwork.resizePool('cpu', { minThreads: 4, maxThreads: 4 }), { maxThreads: 4 })
  for (const task of added) t.like(await app.ended(task), { state: 'succeeded', attempt: 1 })
  t.deepEqual(app.of('task.interrupted'), [])
  t.deepEqual(
    app.of('pool.resized').map(({ maxThreads }) => maxThreads),
    [1, 4],
  )
})

test.serial('a task that runs while its pool is resized goes on where it is', async (t) => {
  const app = await start(t)
  const task = await app.afterwork.addTask(life.report)
  await app.waits(task)
  await app.afterwork.resizePool('cpu', { maxThreads: 1 })
  t.like((await app.afterwork.records.get(task.id))!.progress, { fraction: 0.25, message: 'a quarter' })
  t.like(app.afterwork.pools()[0], { name: 'cpu', maxThreads: 1, running: 1 })
  await app.afterwork.cancel(task.id)
  const record = await app.ended(task)
  t.like(record, { state: 'succeeded', attempt: 1 })
  t.is(resultOf(record), 'done')
})

test.serial(
  'a paused pool starts nothing, lets go on what runs, and goes on when it is resumed',
  async (t) => {
    const app = await start(t)
    const running = await app.afterwork.addTask(life.report)
    await app.waits(running)
    t.true((await app.afterwork.pausePool('cpu')).paused)
    const waiting = await app.afterwork.addTask(life.note, 'later')
    await app.afterwork.cancel(running.id)
    t.is((await app.ended(running)).state, 'succeeded')
    await app.ended(await app.afterwork.addTask(life.note.with({ pool: 'mail' }), 'elsewhere'))
    t.like(await app.afterwork.records.get(waiting.id), { state: 'queued', attempt: 0 })
    await app.afterwork.resizePool('cpu', { maxThreads: 1 })
    t.false((await app.afterwork.resumePool('cpu')).paused)
    t.is((await app.ended(waiting)).state, 'succeeded')
    t.like(app.of('pool.paused'), [{ pool: 'cpu', reason: 'by hand' }])
  },
)

test.serial('teardown is called on resize and on stop, and one that fails is told as an error', async (t) => {
  const goodbye = randomUUID()
  const channel = new BroadcastChannel(goodbye)
  t.teardown(() => channel.close())
  const left: number[] = []
  let tell = (): void => {}
  channel.onmessage = (event) => {
    left.push((event as unknown as { data: number }).data)
    tell()
  }
  const cpu = { minThreads: 1, maxThreads: 1, nice: 0, env: { ...process.env, GOODBYE: goodbye } }
  const app = new App({ tasks: teardownTasks, pools: { cpu, mail: { minThreads: 0 } } })
  t.teardown(() => app.afterwork.stop())
  await app.afterwork.start()
  const first = resultOf(await app.ended(await app.afterwork.addTask(teardownTasks.good.where)))
  const said = new Promise<void>((resolve) => (tell = resolve))
  await app.afterwork.resizePool('cpu', { maxThreads: 2 })
  await said
  t.deepEqual(left, [first])
  const second = resultOf(await app.ended(await app.afterwork.addTask(teardownTasks.good.where)))
  await app.ended(await app.afterwork.addTask(teardownTasks.bad.nothing))
  const again = new Promise<void>((resolve) => (tell = resolve))
  await app.afterwork.stop()
  if (left.length < 2) await again
  t.deepEqual(left, [first, second])
  t.like(await app.until('afterwork.error'), { error: { message: 'teardown of module bad failed' } })
})
