import test from 'ava'
import { metricsOf, told } from './subject.ts'

const end = { duration: 0, thread: 1 }

test('a thousand names are two hundred tasks and `other`, which has all the rest', async (t) => {
  const { events, scrape } = await metricsOf(t)
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1_000; i++) {
      events.emit('task.started', told(`module.task${i}`))
      events.emit('task.succeeded', { ...told(`module.task${i}`), ...end })
    }
  }
  const exposition = await scrape()
  const labels = { outcome: 'succeeded' }
  t.is(exposition.samples('afterwork_tasks_total', labels).length, 201)
  t.is(exposition.value('afterwork_tasks_total', { ...labels, task: 'module.task199' }), 2)
  t.is(exposition.value('afterwork_tasks_total', { ...labels, task: 'other' }), 1_600)
  t.is(exposition.samples('afterwork_task_duration_seconds_count').length, 201)
})

test('pools are bounded likewise', async (t) => {
  const { events, scrape } = await metricsOf(t)
  for (let i = 0; i < 100; i++) events.emit('task.started', told('module.task', `pool${i}`))
  const exposition = await scrape()
  t.is(exposition.samples('afterwork_task_wait_seconds_count').length, 51)
  t.is(exposition.value('afterwork_task_wait_seconds_count', { queue: 'other' }), 50)
  t.is(exposition.samples('afterwork_tasks_total', { outcome: 'failed' }).length, 51)
})

test('a thousand names in each of many pools are no more', async (t) => {
  const { events, scrape } = await metricsOf(t)
  for (let i = 0; i < 60_000; i++)
    events.emit('task.started', told(`module.task${i % 1_000}`, `pool${i % 60}`))
  t.true((await scrape()).samples('afterwork_tasks_total', { outcome: 'failed' }).length <= 251)
})

test('local functions stay a task of their own, however many others there are', async (t) => {
  const { events, scrape } = await metricsOf(t)
  for (let i = 0; i < 1_000; i++) events.emit('task.started', told(`module.task${i}`))
  for (let i = 0; i < 1_000; i++)
    events.emit('task.succeeded', { ...told(`local.${i}`, 'local'), ...end, thread: 0 })
  t.is((await scrape()).value('afterwork_tasks_total', { task: 'local', outcome: 'succeeded' }), 1_000)
})

test('a clock that was set back takes nothing from a sum', async (t) => {
  const { events, scrape } = await metricsOf(t)
  events.emit('task.started', { ...told('a.task'), waited: 2_000 })
  events.emit('task.started', { ...told('a.task'), waited: -3_600_000 })
  events.emit('task.succeeded', { ...told('a.task'), duration: -3_600_000, thread: 1 })
  const exposition = await scrape()
  t.is(exposition.value('afterwork_task_wait_seconds_sum'), 2)
  t.is(exposition.value('afterwork_task_wait_seconds_count'), 2)
  t.is(exposition.value('afterwork_task_duration_seconds_sum'), 0)
})

test('an attempt that never began has no duration, and one made again has not waited', async (t) => {
  const { events, scrape } = await metricsOf(t)
  events.emit('task.started', { ...told('a.task'), attempt: 2, waited: 60_000 })
  events.emit('task.failed', {
    ...told('a.task'),
    attempt: 2,
    duration: 0,
    thread: null,
    failure: {} as never,
  })
  const exposition = await scrape()
  t.is(exposition.value('afterwork_tasks_total', { outcome: 'failed' }), 1)
  t.is(exposition.value('afterwork_task_duration_seconds_count') ?? 0, 0)
  t.is(exposition.value('afterwork_task_wait_seconds_count') ?? 0, 0)
})

test('a name with quotes, backslashes and line breaks arrives as it is', async (t) => {
  const { events, scrape } = await metricsOf(t)
  const name = 'module.a"b\\c\nd\\n'
  events.emit('task.dropped', { ...told(name), reason: '' })
  t.is((await scrape()).value('afterwork_tasks_total', { task: name, outcome: 'dropped' }), 1)
})
