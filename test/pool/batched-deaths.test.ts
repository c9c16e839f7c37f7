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
