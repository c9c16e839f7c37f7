import { once } from 'node:events'
import test from 'ava'
import type { Failure } from '../../src/core/failure.ts'
import { localPool, type AttemptEnd } from '../../src/core/pool.ts'
import { LocalPool } from '../../src/pool/local.ts'
import { claimedTask } from './claimed-task.ts'

function failureOf({ outcome }: AttemptEnd): Failure | undefined {
  return outcome.kind === 'failed' ? outcome.failure : undefined
}

test('a function runs on the main thread, once, and its result is nobody’s', async (t) => {
  const local = new LocalPool()
  const task = claimedTask('local.audit')
  let calls = 0
  local.keep(task.id, () => ++calls)
  t.is(local.name, localPool)
  const before = Date.now()
  const end = await local.run(task)
  t.deepEqual(end.outcome, { kind: 'succeeded', result: undefined })
  t.is(end.thread, 0)
  t.true(end.startedAt! >= before)
  t.is(failureOf(await local.run(task))?.code, 'AFTERWORK_LOCAL_GONE')
  t.is(calls, 1)
})

test('a function that is async is awaited', async (t) => {
  const local = new LocalPool()
  const task = claimedTask('local.audit')
  const target = new EventTarget()
  local.keep(task.id, () => once(target, 'go'))
  const { free } = local
  const run = local.run(task)
  t.is(local.free, free - 1)
  let ended = false
  void run.then(() => (ended = true))
  await new Promise(setImmediate)
  t.false(ended)
  target.dispatchEvent(new Event('go'))
  t.is((await run).outcome.kind, 'succeeded')
  t.is(local.free, free)
})

for (const [how, call] of Object.entries({
  throws: () => {
    throw Object.assign(new RangeError('too far'), { code: 'FAR' })
  },
  rejects: () => Promise.reject(Object.assign(new RangeError('too far'), { code: 'FAR' })),
})) {
  test(`a function that ${how} fails, whole`, async (t) => {
    const local = new LocalPool()
    const task = claimedTask('local.audit')
    local.keep(task.id, call)
    const failure = failureOf(await local.run(task))
    t.like(failure, { name: 'RangeError', message: 'too far', code: 'FAR' })
    t.regex(failure!.stack!, /local\.test\.ts/)
  })
}

test('whatever a function throws, the run does not reject', async (t) => {
  const local = new LocalPool()
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('again')
    },
  })
  for (const thrown of [null, hostile]) {
    const task = claimedTask('local.audit')
    local.keep(task.id, () => {
      throw thrown
    })
    t.is(failureOf(await local.run(task))?.code, 'AFTERWORK_NOT_AN_ERROR')
  }
})

test('a function that was never kept, or was forgotten, is gone', async (t) => {
  const local = new LocalPool()
  const task = claimedTask('local.audit')
  local.keep(task.id, () => t.fail())
  local.forget(task.id)
  t.like(failureOf(await local.run(task)), {
    code: 'AFTERWORK_LOCAL_GONE',
    message: 'local.audit is gone with the process that added it',
  })
})

test('after its timeout a function is not waited for, and what it does later harms nobody', async (t) => {
  const local = new LocalPool()
  const task = claimedTask('local.audit', [], { timeout: 20 })
  let fail = (_error: Error): void => {}
  local.keep(task.id, () => new Promise((_resolve, reject) => (fail = reject)))
  const { free } = local
  t.like(failureOf(await local.run(task)), {
    code: 'AFTERWORK_TIMED_OUT',
    message: 'local.audit took longer than 20 ms',
  })
  t.is(local.free, free)
  fail(new Error('too late'))
  await new Promise(setImmediate)
})

test('to stop interrupts what runs and forgets the rest', async (t) => {
  const local = new LocalPool()
  const [running, waiting] = [claimedTask('local.audit'), claimedTask('local.audit')]
  local.keep(running.id, () => new Promise(() => {}))
  local.keep(waiting.id, () => t.fail())
  const run = local.run(running)
  await local.stop()
  const { outcome } = await run
  t.like(outcome, { kind: 'interrupted', failure: { code: 'AFTERWORK_STOPPING' } })
  t.is(failureOf(await local.run(waiting))?.code, 'AFTERWORK_LOCAL_GONE')
})
