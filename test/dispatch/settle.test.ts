import test from 'ava'
import { TaskError, steeringOf, type TaskErrorOptions } from '../../src/core/task-error.ts'
import { toFailure } from '../../src/core/failure.ts'
import { settle } from '../../src/dispatch/settle.ts'
import { claimedTask } from '../pool/claimed-task.ts'

const at = 1_000_000

/** What becomes of a task with one retry in ten seconds that threw such an error. */
function settled(options: TaskErrorOptions, failures = 0) {
  const backoff = { first: 10_000, factor: 1, jitter: 0, max: 10_000 }
  const task = { ...claimedTask('http.request', [], { retries: 1, backoff }), failures }
  const error = new TaskError('busy', options)
  const outcome = { kind: 'failed', failure: toFailure(error), steering: steeringOf(error) } as const
  return settle(task, { outcome, startedAt: at, thread: 1 }, at)
}

test('a task that fails waits as its options say', (t) => {
  t.like(settled({}), { state: 'scheduled', runAt: at + 10_000 })
  t.like(settled({ retry: '3s' }), { state: 'scheduled', runAt: at + 3_000 })
})

test('with minWait it waits at least so long, and no shorter than its options say', (t) => {
  t.like(settled({ minWait: '1m' }), { state: 'scheduled', runAt: at + 60_000 })
  t.like(settled({ minWait: '1s' }), { state: 'scheduled', runAt: at + 10_000 })
  t.like(settled({ minWait: 0 }), { state: 'scheduled', runAt: at + 10_000 })
})

test('minWait gives nobody another retry', (t) => {
  t.is(settled({ minWait: '1m' }, 1).state, 'failed')
  t.is(settled({ minWait: '1m', retry: false }).state, 'failed')
})

test('a minWait that is no duration is refused', (t) => {
  const error = { code: 'AFTERWORK_BAD_OPTION', message: /TaskError\(\)\.minWait: Expected milliseconds/ }
  t.throws(() => new TaskError('busy', { minWait: 'soon' as '1s' }), error)
})
