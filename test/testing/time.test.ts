import test from 'ava'
import { testAfterwork } from 'afterwork/testing'
import { start } from './bench.ts'
import { lines } from './fixtures/notes.ts'
import { tasks } from './fixtures/tasks.ts'

const midnight = new Date('2030-01-01T00:00:00Z')
const inline = { mode: 'inline', now: midnight } as const
const steady = { backoff: { first: '1s', jitter: 0 } } as const

test.serial('a delayed task runs when its time has come, and not a millisecond before', async (t) => {
  const afterwork = await start(t, inline)
  const { id } = await afterwork.addTask(tasks.notes.note.with({ delay: '5m' }), 'late')
  await afterwork.advance(299_999)
  t.deepEqual(lines, [])
  t.like(await afterwork.records.get(id), { state: 'scheduled', addedAt: midnight.getTime() })
  await afterwork.advance(1)
  t.deepEqual(lines, ['late'])
  t.is(afterwork.now.toISOString(), '2030-01-01T00:05:00.000Z')
  t.is((await afterwork.records.get(id))?.endedAt, midnight.getTime() + 300_000)
})

test.serial('runAt is a time of the same clock', async (t) => {
  const afterwork = await start(t, inline)
  const runAt = new Date('2030-01-02T08:00:00Z')
  await afterwork.addTask(tasks.notes.note.with({ runAt }), 'in the morning')
  afterwork.assertAdded(tasks.notes.note, [], { runAt })
  await afterwork.advance('31h')
  t.deepEqual(lines, [])
  await afterwork.advance('1h')
  t.deepEqual(lines, ['in the morning'])
})

test.serial('retries come after their backoff, each at its own time', async (t) => {
  const afterwork = await start(t, inline)
  const { id } = await afterwork.addTask(tasks.mail.flaky.with(steady), 3)
  const failing = { allowFailures: true }
  await afterwork.drain(failing)
  const attempts: string[] = [...lines]
  for (const wait of [999, 1, 1_999, 1, 3_999, 1]) {
    lines.length = 0
    await afterwork.advance(wait, failing)
    attempts.push(`+${wait}: ${lines.join()}`)
  }
  t.deepEqual(attempts, [
    'attempt 1',
    '+999: ',
    '+1: attempt 2',
    '+1999: ',
    '+1: attempt 3',
    '+3999: ',
    '+1: attempt 4',
  ])
  t.like(await afterwork.records.get(id), { state: 'succeeded', attempt: 4 })
})

test.serial('all retries fit in one long wait', async (t) => {
  const afterwork = await start(t, inline)
  await afterwork.addTask(tasks.mail.flaky.with(steady), 9)
  const ended = await afterwork.advance('1h', { allowFailures: true })
  t.like(ended, [{ name: 'mail.flaky', state: 'failed', attempt: 4, error: { code: 'FLAKY' } }])
  t.is(ended[0]!.endedAt.getTime(), midnight.getTime() + 7_000)
})

test.serial('advance() throws the failures of what it ran, as drain() does', async (t) => {
  const afterwork = await start(t, inline)
  await afterwork.addTask(tasks.notes.fail.with({ delay: '1s' }), 'late')
  await t.throwsAsync(afterwork.advance('1s'), { code: 'AFTERWORK_TASK_FAILED' })
})

test.serial('in the mode capture time passes, and what is due waits for drain()', async (t) => {
  const afterwork = await start(t, { now: midnight.getTime() })
  await afterwork.addTask(tasks.notes.note.with({ delay: '5m' }), 'late')
  t.deepEqual(await afterwork.drain(), [])
  t.deepEqual(await afterwork.advance('5m'), [])
  t.deepEqual(lines, [])
  await afterwork.drain()
  t.deepEqual(lines, ['late'])
})

test.serial('drain() can let time pass until nothing waits any more', async (t) => {
  const afterwork = await start(t, { now: midnight })
  await afterwork.addTask(tasks.mail.flaky.with(steady), 2)
  await afterwork.addTask(tasks.notes.note.with({ delay: '30d' }), 'in a month')
  const ended = await afterwork.drain({ scheduled: true, allowFailures: true })
  t.deepEqual(
    ended.map(({ name, attempt }) => `${name} ${attempt}`),
    ['mail.flaky 3', 'notes.note 1'],
  )
  t.is(afterwork.now.toISOString(), '2030-01-31T00:00:00.000Z')
})

test.serial('one that adds itself for ever does not hang the test', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.tick)
  await afterwork.drain()
  t.is(lines.length, 1)
  await t.throwsAsync(afterwork.drain({ scheduled: true, within: 50 }), {
    code: 'AFTERWORK_NOT_DRAINED',
    message: /without end|notes\.tick runs/,
  })
  const ticks = lines.length
  t.true(ticks > 3)
  await afterwork.advance('3h')
  await afterwork.drain()
  t.is(lines.length, ticks + 1)
})

test.serial('a rate limit lets the next start when its window has moved on', async (t) => {
  const afterwork = await start(t, inline)
  for (const text of ['a', 'b', 'c']) await afterwork.addTask(tasks.notes.limited, text)
  await afterwork.drain()
  t.deepEqual(lines, ['a'])
  await afterwork.advance('59s')
  t.deepEqual(lines, ['a'])
  await afterwork.advance('1s')
  t.deepEqual(lines, ['a', 'b'])
  await afterwork.drain({ scheduled: true })
  t.deepEqual(lines, ['a', 'b', 'c'])
})

test.serial('a task times out when its time has passed by hand', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.untilStopped.with({ timeout: '30s' }))
  const draining = afterwork.drain({ allowFailures: true })
  await afterwork.advance('29s')
  await afterwork.advance('1s')
  t.like(await draining, [{ state: 'failed', error: { code: 'AFTERWORK_TIMED_OUT' } }])
})

test.serial('a task times out by itself, too; one that does not heed it is given up', async (t) => {
  const afterwork = await start(t)
  await afterwork.addTask(tasks.notes.hang.with({ timeout: 20 }))
  await afterwork.addTask(tasks.notes.note, 'the next')
  const [first] = await afterwork.drain({ allowFailures: true })
  t.like(first, { state: 'failed', error: { code: 'AFTERWORK_TIMED_OUT' } })
  t.deepEqual(lines, ['the next'])
})

test.serial('what has ended is forgotten when its keepResult is over and another ends', async (t) => {
  const afterwork = await start(t, inline)
  const { id } = await afterwork.addTask(tasks.notes.note.with({ keepResult: '1h' }), 'a')
  await afterwork.drain()
  await afterwork.advance('61m')
  await afterwork.addTask(tasks.notes.note, 'b')
  await afterwork.drain()
  t.is(await afterwork.records.get(id), undefined)
})

test.serial('reset() forgets all, and sets the clock back', async (t) => {
  const afterwork = await start(t, { now: midnight })
  const { id } = await afterwork.addTask(tasks.notes.note, 'forgotten')
  await afterwork.addTask(tasks.notes.note.with({ delay: '1m', unique: 'key' }), 'forgotten')
  await afterwork.addTask(tasks.notes.limited, 'a')
  await afterwork.pausePool('mail')
  await afterwork.advance('10s')
  afterwork.reset()
  t.deepEqual(afterwork.added, [])
  t.is(await afterwork.records.get(id), undefined)
  t.is(afterwork.now.getTime(), midnight.getTime())
  t.false(afterwork.pools().some(({ paused }) => paused))
  t.deepEqual(await afterwork.drain({ scheduled: true }), [])
  await afterwork.addTask(tasks.notes.note.with({ unique: 'key' }), 'new')
  await afterwork.addTask(tasks.notes.limited, 'b')
  await afterwork.drain()
  t.deepEqual(lines, ['new', 'b'])
})

test.serial('after reset() tasks run by themselves, and can be cancelled, as before', async (t) => {
  const afterwork = await start(t, { mode: 'inline' })
  afterwork.reset()
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  const { id } = await afterwork.addTask(tasks.notes.untilStopped)
  await started
  await afterwork.cancel(id)
  t.like(await afterwork.drain(), [{ state: 'cancelled' }])
})

test.serial('reset() while a task runs gives it up', async (t) => {
  const afterwork = await start(t, { mode: 'inline' })
  const started = new Promise((resolve) => afterwork.once('task.started', resolve))
  await afterwork.addTask(tasks.notes.hang)
  await started
  afterwork.reset()
  await afterwork.addTask(tasks.notes.note, 'the next')
  t.like(await afterwork.drain(), [{ name: 'notes.note' }])
})

test.serial('a wrong duration is refused', async (t) => {
  const afterwork = await start(t)
  await t.throwsAsync(afterwork.advance('5 minutes' as '5m'), { code: 'AFTERWORK_BAD_OPTION' })
  await t.throwsAsync(afterwork.advance(-1), { code: 'AFTERWORK_BAD_OPTION' })
  await t.throwsAsync(afterwork.advance(1e300), { code: 'AFTERWORK_BAD_OPTION' })
  t.throws(() => testAfterwork({ tasks, now: 1e300 }), { code: 'AFTERWORK_BAD_OPTION' })
  t.is(testAfterwork({ tasks, now: 0 }).now.getTime(), 0)
})
