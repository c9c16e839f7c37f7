import test, { type ExecutionContext } from 'ava'
import type { ResolvedOptions } from '../../src/core/options.ts'
import { again, failureOf, resultOf, Subject } from './subject.ts'

const megabyte = 1024 ** 2
const memory = 96 * megabyte

/** Every way in which a task takes its thread with it, and what it is told then. */
const deaths: [
  what: string,
  name: string,
  options: Partial<ResolvedOptions>,
  code: string,
  message: RegExp,
][] = [
  ['exits its worker', 'exit', {}, 'AFTERWORK_WORKER_EXITED', /^deaths\.exit called process\.exit\(1\)$/],
  [
    'throws late',
    'throwLate',
    {},
    'AFTERWORK_THREW_LATE',
    /^Nothing caught an exception of deaths\.throwLate: nobody/,
  ],
  [
    'rejects late',
    'rejectLate',
    {},
    'AFTERWORK_THREW_LATE',
    /^Nothing caught an exception of deaths\.rejectLate: nobody/,
  ],
  ['loops for ever', 'loop', { timeout: 20 }, 'AFTERWORK_TIMED_OUT', /^deaths\.loop took longer than 20 ms$/],
  ...(['fillWithObjects', 'fillWithStrings', 'fillWithBuffers'] as const).map(
    (name) =>
      [
        `is ${name}`,
        name,
        { memory },
        'AFTERWORK_OUT_OF_MEMORY',
        new RegExp(
          `^deaths\\.${name}: Expected heap and Buffers of its thread to stay below 96 MB, got \\d+ MB$`,
        ),
      ] as [string, string, Partial<ResolvedOptions>, string, RegExp],
  ),
]

for (const [what, name, options, code, message] of deaths) {
  test.serial(`a task that ${what} costs only itself where it has a thread of its own`, async (t) => {
    const subject = new Subject(t, { minThreads: 2, maxThreads: 2 })
    const neighbour = await subject.waiting('deaths.neighbour')
    const end = await subject.end(`deaths.${name}`, [], options)
    const failure = failureOf(t, end)
    t.is(failure.code, code)
    t.regex(failure.message, message)
    t.is(typeof (await subject.end('deaths.goOff')).thread, 'number')
    subject.pool.cancel(neighbour.task.id, 1)
    failureOf(t, await neighbour.end, 'cancelled')
    t.deepEqual(subject.errors, [])
  })
}

// What fills the memory of a thread that it shares cannot be told from its neighbours: see suspects.test.ts.
for (const [what, name, options, code] of deaths.slice(0, 4)) {
  test.serial(`a task that ${what} is charged, and the nine beside it are not`, async (t) => {
    const subject = new Subject(t, { concurrency: 10 })
    const neighbours = []
    for (let i = 0; i < 9; i++) neighbours.push(await subject.waiting('deaths.neighbour'))
    const end = await subject.end(`deaths.${name}`, [], options)
    t.is(failureOf(t, end).code, code)
    for (const neighbour of neighbours) {
      const interrupted = await neighbour.end
      t.like(failureOf(t, interrupted, 'interrupted'), {
        code: 'AFTERWORK_WORKER_EXITED',
        message: 'Its thread was ended by another task',
      })
      t.false((interrupted.outcome as { suspect?: boolean }).suspect ?? false)
    }
    t.is(subject.pool.free, 10)
    const ends = await Promise.all(neighbours.map(({ task }) => subject.run(again(task)).end))
    for (const one of ends) t.like(resultOf(t, one), { attempt: 2 })
  })
}

test.serial('what a late exception was comes back whole', async (t) => {
  const subject = new Subject(t)
  const { cause } = failureOf(t, await subject.end('deaths.throwLate'))
  t.like(cause, { name: 'RangeError', message: 'nobody caught this', code: 'TOO_LATE' })
  t.regex(cause!.stack!, /deaths\.ts:\d+/)
})

test.serial('what has not begun when its thread dies has not begun', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const busy = subject.start('deaths.loop', [], { timeout: 50 })
  const unbegun = subject.start('deaths.neighbour')
  failureOf(t, await busy.end)
  const end = await unbegun.end
  failureOf(t, end, 'interrupted')
  t.is(end.startedAt, null)
})

// What ended tasks leave behind

for (const what of ['exception', 'rejection'] as const) {
  test.serial(`the ${what} of an ended task costs nobody anything, and is reported`, async (t) => {
    const subject = await leftBehind(t, what)
    const error = subject.nextError()
    const [innocent, beside] = [subject.start('deaths.goOff'), subject.start('deaths.goOff')]
    const ends = [await innocent.end, await beside.end]
    t.like(await error, {
      code: 'AFTERWORK_THREW_LATE',
      message: 'Nothing caught an exception of deaths.leave, which had ended: left behind',
    })
    for (const end of ends) resultOf(t, end)
    t.is(ends[0]!.thread, ends[1]!.thread)
  })
}

for (const beside of [0, 3]) {
  test.serial(`an exit of an ended task is charged to none of ${beside + 1} that run`, async (t) => {
    const subject = await leftBehind(t, 'exit')
    const error = subject.nextError()
    const neighbours = []
    for (let i = 0; i < beside; i++) neighbours.push(await subject.waiting('deaths.neighbour'))
    const runs = [...neighbours, subject.start('deaths.goOff')]
    for (const { end } of runs) {
      const failure = failureOf(t, await end, 'interrupted')
      t.is(failure.message, 'Its thread was ended by a task that had ended before')
    }
    t.like(await error, { message: 'deaths.leave called process.exit(3)' })
    for (const { task } of runs) resultOf(t, await subject.run(again(task)).end)
  })
}

test.serial('a loop of an ended task is charged to nobody, and the next is not stuck for ever', async (t) => {
  const subject = await leftBehind(t, 'loop')
  const channel = new BroadcastChannel('afterwork.test')
  t.teardown(() => channel.close())
  const looping = new Promise((resolve) => (channel.onmessage = resolve))
  resultOf(t, await subject.end('deaths.goOffUnseen'))
  await looping
  const next = subject.start('deaths.goOff')
  const end = await next.end
  t.is(failureOf(t, end, 'interrupted').message, 'Its thread ended before it had started')
  resultOf(t, await subject.run(again(next.task)).end)
})

async function leftBehind(
  t: ExecutionContext,
  what: 'exception' | 'rejection' | 'exit' | 'loop',
): Promise<Subject> {
  const subject = new Subject(t, { concurrency: 5 })
  resultOf(t, await subject.end('deaths.leave', [what]))
  return subject
}
