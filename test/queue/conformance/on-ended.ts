import test from 'ava'
import { newId } from '../../../src/core/id.ts'
import type { EndedTask } from '../../../src/core/on-ended.ts'
import { defaults, type ResolvedOptions } from '../../../src/core/options.ts'
import type { NewTask } from '../../../src/core/task.ts'
import { decodeArguments, encodeArguments, encodeResult } from '../../../src/core/value.ts'
import {
  cancelled,
  failed,
  failure,
  hour,
  interrupted,
  newGroup,
  newTask,
  retried,
  storedFile,
  succeeded,
  type OpenSubject,
  type Subject,
  type Wanted,
} from './subject.ts'

function told(options: Partial<ResolvedOptions> = {}): Partial<ResolvedOptions> {
  return { onEnded: { name: 'audit.ended', options: { ...defaults, pool: 'audit', ...options } } }
}

function watched({ options, ...given }: Wanted = {}, then: Partial<ResolvedOptions> = {}): NewTask {
  return newTask({ ...given, options: { ...options, ...told(then) } })
}

/** What the next `onEnded` task is called with, which has no further arguments. */
async function nextEnded(queue: Subject): Promise<EndedTask> {
  const { args } = await queue.next('audit')
  const decoded = decodeArguments(args)
  if (decoded.length !== 1) throw new Error(`Expected one argument, got ${decoded.length}`)
  return decoded[0] as EndedTask
}

/** `onEnded`: a task added in the transaction in which another has ended. */
export function onEnded(name: string, subject: OpenSubject): void {
  test(`${name}: a task that succeeded adds its onEnded task, which is told all about it`, async (t) => {
    const queue = await subject(t)
    const args = [{ when: new Date(5), size: 7n }, new Uint8Array([1, 2])]
    const task = watched({ args: encodeArguments(args, 'x') }, { priority: 3, retries: 2 })
    await queue.add(task)
    const startedAt = Date.now()
    await queue.end(t, task, retried(Date.now() - 1))
    t.deepEqual(await queue.claim(10, 'audit'), [])
    const settlement = succeeded(encodeResult({ made: new Date(6) }, 'x'))
    await queue.end(t, task, settlement)
    const record = (await queue.engine.get(task.id))!
    const [added] = await queue.engine.list({ name: 'audit.ended', limit: 10 })
    t.like(added, { state: 'queued', attempt: 0, pool: 'audit', priority: 3 })
    t.is(added!.group, added!.id)
    await queue.until(() => queue.told.added.length > 0)
    t.deepEqual(queue.told.added, [added!])
    const claimed = await queue.next('audit')
    t.is(claimed.options.retries, 2)
    const [ended] = decodeArguments(claimed.args) as [EndedTask]
    t.deepEqual(ended, {
      id: task.id,
      name: task.name,
      state: 'succeeded',
      attempt: 2,
      args,
      result: { made: new Date(6) },
      error: null,
      addedAt: new Date(record.addedAt),
      startedAt: new Date(record.startedAt!),
      endedAt: new Date(settlement.at),
    })
    t.true(ended.startedAt!.getTime() >= startedAt)
  })

  for (const settlement of [failed(), cancelled()]) {
    test(`${name}: a task that is ${settlement.state} adds its onEnded task with the error`, async (t) => {
      const queue = await subject(t)
      const task = watched()
      await queue.add(task)
      await queue.end(t, task, settlement)
      const ended = await nextEnded(queue)
      t.like(ended, { id: task.id, state: settlement.state, attempt: 1, result: null })
      t.deepEqual(ended.error, failure)
    })
  }

  test(`${name}: a task cancelled before it ran adds its onEnded task`, async (t) => {
    const queue = await subject(t)
    const [held, scheduled] = [watched(), watched({ options: { delay: hour } })]
    await queue.hold(held)
    await queue.add(scheduled)
    for (const { id } of [held, scheduled]) {
      const at = Date.now()
      await queue.engine.cancel(id, at)
      const ended = await nextEnded(queue)
      t.like(ended, { id, state: 'cancelled', attempt: 0, result: null, startedAt: null })
      t.is(ended.error?.code, 'AFTERWORK_CANCELLED')
      t.deepEqual(ended.endedAt, new Date(at))
    }
  })

  test(`${name}: a task cancelled for its predecessor adds its onEnded task`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({}, { options: { onlyAfterSuccess: true, ...told() } }) as [NewTask, NewTask]
    await queue.add(a, b)
    await queue.end(t, a, failed())
    const ended = await nextEnded(queue)
    t.like(ended, { id: b.id, state: 'cancelled', attempt: 0 })
    t.is(ended.error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
  })

  test(`${name}: an attempt after which the task goes on, or that counts no more, adds no onEnded task`, async (t) => {
    const queue = await subject(t)
    const task = watched()
    await queue.add(task)
    await queue.end(t, task, interrupted())
    await queue.end(t, task, retried(Date.now() - 1))
    await queue.run(t, task)
    t.false(await queue.engine.record(task.id, 2, succeeded()))
    await queue.engine.cancel(task.id, Date.now())
    t.deepEqual(await queue.claim(10, 'audit'), [])
    t.true(await queue.engine.record(task.id, 3, succeeded()))
    t.false(await queue.engine.record(task.id, 3, succeeded()))
    t.is((await queue.claim(10, 'audit')).length, 1)
    t.deepEqual(await queue.counters(), { succeeded: 1, queued: 1 })
  })

  test(`${name}: a task retried by hand has an onEnded task each time it ends`, async (t) => {
    const queue = await subject(t)
    const task = watched()
    await queue.add(task)
    await queue.end(t, task, failed())
    await queue.engine.retry(task.id)
    await queue.end(t, task)
    t.like(await nextEnded(queue), { state: 'failed', attempt: 1 })
    t.like(await nextEnded(queue), { state: 'succeeded', attempt: 2, error: null })
  })

  test(`${name}: an onEnded task comes beside the follow-ups, and neither waits for the group`, async (t) => {
    const queue = await subject(t)
    const [a, b] = newGroup({ options: told({ pool: 'cpu' }) }, {}) as [NewTask, NewTask]
    const followUp = newTask()
    await queue.add(a, b)
    await queue.end(t, a, succeeded(), [followUp])
    const [added] = await queue.engine.list({ name: 'audit.ended', limit: 1 })
    t.deepEqual((await queue.claim()).toSorted(), [b.id, followUp.id, added!.id].toSorted())
  })

  test(`${name}: a follow-up with the key of a task that the same outcome cancels stands for that task`, async (t) => {
    const queue = await subject(t)
    const keyed = { unique: 'k' }
    const [a, b] = newGroup({ options: told() }, { options: { ...keyed, onlyAfterSuccess: true } })
    await queue.add(a!, b!)
    const followUp = newTask({ options: keyed })
    await queue.end(t, a!, failed(), [followUp])
    t.like(await queue.engine.get(followUp.id), { id: b!.id, state: 'cancelled' })
  })

  test(`${name}: an onEnded task may wait for its time and have one of its own`, async (t) => {
    const queue = await subject(t)
    const last = { name: 'audit.last', options: { ...defaults, pool: 'last' } }
    const task = watched({}, { delay: 5, onEnded: last })
    await queue.add(task)
    await queue.end(t, task)
    t.not((await queue.engine.list({ name: 'audit.ended', limit: 1 }))[0]?.runAt, null)
    const ended = await queue.next('audit')
    await queue.start(ended)
    t.true(await queue.engine.record(ended.id, 1, failed()))
    const [inner] = decodeArguments((await queue.next('last')).args) as [EndedTask]
    t.like(inner, { id: ended.id, name: 'audit.ended', state: 'failed' })
    t.like(inner.args[0], { id: task.id, name: task.name, state: 'succeeded' })
  })

  test(`${name}: files stay in use for the onEnded task, which is told of them`, async (t) => {
    const queue = await subject(t)
    const file = storedFile()
    const task = watched({ files: [file], args: encodeArguments([{ ...file }], 'x') })
    await queue.add(task)
    await queue.end(t, task)
    t.deepEqual(await queue.engine.file(file.id), { file, inUse: true, endedAt: null })
    const claimed = await queue.next('audit')
    t.deepEqual((decodeArguments(claimed.args) as [EndedTask])[0].args, [{ ...file }])
    await queue.start(claimed)
    t.true(await queue.engine.record(claimed.id, 1, succeeded()))
    t.like(await queue.engine.file(file.id), { inUse: false })
  })

  for (const withArgs of [true, false]) {
    const what = withArgs
      ? 'more than the record'
      : 'more than the record, and nothing of arguments and files'
    test(`${name}: an onEnded task may be told ${what}`, async (t) => {
      const queue = await subject(t)
      const file = storedFile()
      const args = encodeArguments(['to whom', { at: new Date(7) }], 'x')
      const onEnded = { ...told().onEnded!, args, ...(withArgs ? {} : { withArgs }) }
      const given = encodeArguments([{ ...file }, 'a secret'], 'x')
      const task = newTask({ files: [file], args: given, options: { onEnded } })
      await queue.add(task)
      await queue.end(t, task)
      const [ended, ...further] = decodeArguments((await queue.next('audit')).args) as [
        EndedTask,
        ...unknown[],
      ]
      t.like(ended, { id: task.id, state: 'succeeded' })
      t.deepEqual(ended.args, withArgs ? [{ ...file }, 'a secret'] : [])
      t.deepEqual(further, ['to whom', { at: new Date(7) }])
      t.like(await queue.engine.file(file.id), { inUse: withArgs })
    })
  }

  test(`${name}: an onEnded task is never refused for the bounds, and counts in them`, async (t) => {
    const queue = await subject(t, { bounds: { maxTasks: 1 } })
    const task = watched()
    await queue.add(task)
    await queue.end(t, task)
    await t.throwsAsync(queue.add(newTask()), { code: 'AFTERWORK_QUEUE_FULL' })
    const { id } = await queue.next('audit')
    await queue.start({ id })
    t.true(await queue.engine.record(id, 1, succeeded()))
    await t.notThrowsAsync(queue.add(newTask()))
  })

  test(`${name}: an onEnded task with the key of a live one gives the live one, and nobody is told of it`, async (t) => {
    const queue = await subject(t)
    const [a, b] = [watched({}, { unique: 'k' }), watched({}, { unique: 'k' })]
    await queue.add(a, b)
    await queue.end(t, a)
    await queue.end(t, b)
    await queue.until(() => queue.told.added.length > 0)
    t.is((await queue.claim(10, 'audit')).length, 1)
    t.like(queue.told.added, { length: 1 })
    t.is(await queue.engine.get(newId()), undefined)
  })
}
