import test from 'ava'
import { defaults, type ResolvedOptions } from '../../src/core/options.ts'
import { retryAt } from '../../src/dispatch/retry.ts'
import { claimedTask } from '../pool/claimed-task.ts'

const now = 1_000_000
const least = () => 1
const most = () => 0

/** How long a task waits for its next attempt after so many failures before this one. */
function wait(
  failures: number,
  backoff: Partial<ResolvedOptions['backoff']> = {},
  random: () => number = most,
): number | null {
  const task = claimedTask('mail.send', [], { retries: 50, backoff: { ...defaults.backoff, ...backoff } })
  const at = retryAt({ ...task, failures }, undefined, now, random)
  return at === null ? null : at - now
}

test('the wait doubles with each failure, up to the longest', (t) => {
  const waits = [0, 1, 2, 3, 11, 12, 40].map((failures) => wait(failures))
  t.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 2_048_000, 3_600_000, 3_600_000])
})

test('first, factor and max are those of the task', (t) => {
  const backoff = { first: 50, factor: 3, max: 1_000 }
  t.deepEqual(
    [0, 1, 2, 3].map((failures) => wait(failures, backoff)),
    [50, 150, 450, 1_000],
  )
})

test('a share of the wait is random, of the longest too', (t) => {
  t.is(wait(0, {}, least), 750)
  t.is(
    wait(0, {}, () => 0.5),
    875,
  )
  t.is(wait(20, {}, least), 2_700_000)
  t.is(wait(0, { jitter: 0 }, least), 1_000)
  t.is(wait(0, { jitter: 1 }, least), 0)
})

test('by default each wait is another one', (t) => {
  const waits = Array.from({ length: 50 }, () => wait(0, {}, Math.random)!)
  t.true(waits.every((ms) => ms >= 750 && ms <= 1_000 && Number.isInteger(ms)))
  t.true(new Set(waits).size > 5)
})

test('the number of failures may be any', (t) => {
  t.is(wait(49, { factor: 100, max: 5_000 }), 5_000)
  t.is(wait(49, { first: 0 }), 0)
})

test('once its retries are used up a task has failed for good', (t) => {
  const task = claimedTask('mail.send', [], { retries: 2 })
  t.not(retryAt({ ...task, failures: 1 }, undefined, now), null)
  t.is(retryAt({ ...task, failures: 2 }, undefined, now), null)
  t.is(retryAt(claimedTask('mail.send'), undefined, now), null)
})

test('attempts that were interrupted are not counted', (t) => {
  const task = { ...claimedTask('mail.send', [], { retries: 1 }), attempt: 7, failures: 0 }
  t.is(retryAt(task, undefined, now, most), now + 1_000)
})

test('a task may say when, or that there is no use, but has no more retries than it has', (t) => {
  const task = claimedTask('mail.send', [], { retries: 1 })
  t.is(retryAt(task, 300_000, now, most), now + 300_000)
  t.is(retryAt(task, 0, now, most), now)
  t.is(retryAt(task, false, now, most), null)
  t.is(retryAt({ ...task, failures: 1 }, 300_000, now, most), null)
})
