import test from 'ava'
import { again, failureOf, resultOf, Subject, type Run } from './subject.ts'

/** Hands over a batch of ten, the fifth of which is not like the others. */
function batchWith(subject: Subject, name: string, timeout = 60_000): { odd: Run; others: Run[] } {
  const options = { batch: true, timeout }
  const runs = Array.from({ length: 10 }, (_, index) =>
    index === 4 ? subject.start(name, [], options) : subject.start('stages.work', [0], options),
  )
  const [odd] = runs.splice(4, 1)
  return { odd: odd!, others: runs }
}

for (const [name, code] of [
  ['deaths.exit', 'AFTERWORK_WORKER_EXITED'],
  ['deaths.throwLate', 'AFTERWORK_THREW_LATE'],
  ['deaths.throwFromNowhere', 'AFTERWORK_THREW_LATE'],
  ['deaths.loop', 'AFTERWORK_TIMED_OUT'],
] as const) {
  test.serial(`of a batch only the culprit is charged, ${name}`, async (t) => {
    const subject = new Subject(t)
    const { odd, others } = batchWith(subject, name, name === 'deaths.loop' ? 100 : undefined)
    t.is(failureOf(t, await odd.end).code, code)
    for (const { end } of others) failureOf(t, await end, 'interrupted')
    for (const { task } of others) resultOf(t, await subject.run(again(task)).end)
  })
}

test.serial('of a batch that is lost it is known what had begun, which may not start twice', async (t) => {
  const subject = new Subject(t)
  const { odd, others } = batchWith(subject, 'deaths.exit')
  const ends = await Promise.all(others.map(({ end }) => end))
  const { startedAt, thread } = await odd.end
  t.deepEqual(
    ends.map((end) => end.thread),
    [...Array.from({ length: 4 }, () => thread), ...Array.from({ length: 5 }, () => null)],
  )
  for (const end of ends.slice(0, 4)) t.true(end.startedAt! <= startedAt!)
  for (const end of ends.slice(4)) t.is(end.startedAt, null)
})
