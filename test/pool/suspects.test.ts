import test from 'ava'
import type { AttemptEnd } from '../../src/core/pool.ts'
import { again, failureOf, resultOf, Subject, type Run } from './subject.ts'

const megabyte = 1024 ** 2
const memory = 96 * megabyte

function isSuspect({ outcome }: AttemptEnd): boolean {
  return outcome.kind === 'interrupted' && outcome.suspect === true
}

test.serial('where nobody knows who ended a thread, all are suspects and nobody is charged', async (t) => {
  const subject = new Subject(t, { concurrency: 10 })
  const neighbours: Run[] = []
  for (let i = 0; i < 9; i++) neighbours.push(await subject.waiting('deaths.neighbour'))
  const error = subject.nextError()
  const culprit = subject.start('deaths.throwFromNowhere')
  for (const { end } of [culprit, ...neighbours]) {
    const lost = await end
    t.true(isSuspect(lost))
    t.is(failureOf(t, lost, 'interrupted').code, 'AFTERWORK_WORKER_EXITED')
  }
  t.like(await error, {
    code: 'AFTERWORK_THREW_LATE',
    message: 'Nothing caught an exception of a task: from nowhere',
  })
})

test.serial(
  'suspects run alone, each on a thread of its own, and only the guilty one is charged',
  async (t) => {
    const subject = new Subject(t, { concurrency: 5 })
    const first: Run[] = []
    for (let i = 0; i < 4; i++) first.push(await subject.waiting('deaths.neighbour'))
    first.push(subject.start('deaths.throwFromNowhere'))
    await Promise.all(first.map(({ end }) => end))
    const endedAt: number[] = []
    const ends = await Promise.all(
      first.map(async ({ task }) => {
        const end = await subject.run(again(task, true)).end
        endedAt.push(Date.now())
        return end
      }),
    )
    ends.slice(1).forEach(({ startedAt }, index) => t.true(startedAt! >= endedAt[index]!))
    const threads = ends.map((end, index) =>
      index < 4 ? (resultOf(t, end) as { threadId: number }).threadId : end.thread,
    )
    t.is(new Set(threads).size, 5)
    t.like(failureOf(t, ends[4]!), { code: 'AFTERWORK_THREW_LATE' })
    t.is(subject.pool.free, 5)
  },
)

test.serial('those that outgrow their thread only together all succeed alone', async (t) => {
  const subject = new Subject(t, { concurrency: 3 })
  const runs: Run[] = []
  for (let i = 0; i < 3; i++) runs.push(subject.start('deaths.holdMemory', [60], { memory }))
  const ends = await Promise.all(runs.map(({ end }) => end))
  t.true(ends.filter(isSuspect).length >= 2)
  for (const end of ends) failureOf(t, end, 'interrupted')
  for (const { task } of runs) t.is(resultOf(t, await subject.run(again(task, true)).end), 60)
})

for (const name of ['fillWithObjects', 'fillWithStrings', 'fillWithBuffers']) {
  test.serial(`one that outgrows any thread is charged once it runs alone, ${name}`, async (t) => {
    const subject = new Subject(t, { concurrency: 10 })
    const neighbours: Run[] = []
    for (let i = 0; i < 9; i++) neighbours.push(await subject.waiting('deaths.neighbour', [], { memory }))
    const greedy = subject.start(`deaths.${name}`, [], { memory })
    for (const { end } of [greedy, ...neighbours]) t.true(isSuspect(await end))
    const alone = await subject.run(again(greedy.task, true)).end
    t.is(failureOf(t, alone).code, 'AFTERWORK_OUT_OF_MEMORY')
    resultOf(t, await subject.run(again(neighbours[0]!.task, true)).end)
  })
}

test.serial('what an earlier task left in memory is not charged to the next', async (t) => {
  const subject = new Subject(t)
  resultOf(t, await subject.end('deaths.keepMemory', [150]))
  const small = subject.start('deaths.churn', [100, 'objects'], { memory })
  t.true(isSuspect(await small.end))
  resultOf(t, await subject.run(again(small.task, true)).end)
})

test.serial('garbage up to half as much again is collected before anybody is blamed', async (t) => {
  const subject = new Subject(t)
  resultOf(t, await subject.end('deaths.dropMemory', [70]))
  const small = await subject.end('deaths.nap', [300], { memory: 64 * megabyte })
  t.is(small.outcome.kind, 'succeeded')
})

test.serial('a suspect that is cancelled before its turn never runs', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const runs = [await subject.waiting('deaths.neighbour'), subject.start('deaths.throwFromNowhere')]
  await Promise.all(runs.map(({ end }) => end))
  const ahead = subject.run({ ...again(runs[0]!.task, true), attempt: 1 })
  const behind = subject.run(again(runs[1]!.task, true))
  subject.pool.cancel(behind.task.id, behind.task.attempt)
  subject.pool.cancel(ahead.task.id, ahead.task.attempt)
  failureOf(t, await ahead.end, 'cancelled')
  const end = await behind.end
  t.is(failureOf(t, end, 'cancelled').code, 'AFTERWORK_CANCELLED')
  t.is(end.startedAt, null)
})

test.serial('to stop interrupts suspects, those that wait for their turn too', async (t) => {
  const subject = new Subject(t, { concurrency: 2 })
  const runs = [await subject.waiting('deaths.neighbour'), subject.start('deaths.throwFromNowhere')]
  await Promise.all(runs.map(({ end }) => end))
  const suspects = runs.map(({ task }) => subject.run({ ...again(task, true), attempt: 1 }))
  await subject.pool.stop()
  for (const { end } of suspects) t.is(failureOf(t, await end, 'interrupted').code, 'AFTERWORK_STOPPING')
})
