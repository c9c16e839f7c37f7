import test, { type ExecutionContext } from 'ava'
import { Events } from '../../../src/core/events.ts'
import type { AttemptEnd, Runner } from '../../../src/core/pool.ts'
import type { ClaimedTask } from '../../../src/core/task.ts'
import { Dispatcher } from '../../../src/dispatch/dispatcher.ts'
import { ids, newGroup, newTask } from '../conformance/subject.ts'
import { death } from './death.ts'
import { openQueue, type OpenedQueue } from './opened.ts'

/** A pool of four slots, whose attempts end when a test says so. */
class Slots implements Runner {
  readonly name = 'cpu'
  readonly running = new Map<string, (end: AttemptEnd) => void>()
  readonly begun: string[] = []
  #watchers: (() => void)[] = []

  get free(): number {
    return 4 - this.running.size
  }

  run({ id }: ClaimedTask): Promise<AttemptEnd> {
    return new Promise((resolve) => {
      this.running.set(id, resolve)
      this.begun.push(id)
      for (const look of this.#watchers.splice(0)) look()
    })
  }

  /** Resolves once so many attempts have begun. */
  async begins(count: number): Promise<string[]> {
    while (this.begun.length < count) await new Promise<void>((resolve) => this.#watchers.push(resolve))
    return this.begun
  }

  succeed(id: string): void {
    const end = this.running.get(id)!
    this.running.delete(id)
    end({ outcome: { kind: 'succeeded', result: '5' }, startedAt: Date.now(), thread: 1 })
  }

  cancel(): void {}

  async stop(): Promise<void> {
    for (const id of this.running.keys()) this.succeed(id)
  }
}

function dispatch(t: ExecutionContext, queue: OpenedQueue) {
  const [events, slots] = [new Events(), new Slots()]
  const dispatcher = new Dispatcher(queue.engine, [slots], events)
  const succeeded: string[] = []
  let look = (): void => {}
  events.on('task.succeeded', ({ id }) => {
    succeeded.push(id)
    look()
  })
  t.teardown(() => dispatcher.stop(0))
  dispatcher.start()
  const ended = async (count: number): Promise<string[]> => {
    while (succeeded.length < count) await new Promise<void>((resolve) => (look = resolve))
    return succeeded
  }
  return { dispatcher, slots, ended }
}

for (const [moment, when] of [
  ['before its commit', death.beforeCommit],
  ['between its commit and its answer', death.afterCommit],
] as const) {
  test(`what ran goes on when the store dies ${moment}, and its outcome is recorded once`, async (t) => {
    const queue = await openQueue(t)
    const { slots, ended } = dispatch(t, queue)
    const [first, second] = newGroup({}, {})
    await queue.add(first!, second!)
    await slots.begins(1)
    await queue.counters()
    queue.dieAt(when)
    slots.succeed(first!.id)
    await slots.begins(2)
    slots.succeed(second!.id)
    t.deepEqual((await ended(2)).toSorted(), ids([first!, second!]))
    t.deepEqual(slots.begun, ids([first!, second!]))
    t.deepEqual(await queue.counters(), { succeeded: 2 })
    t.is(queue.stores.length, 2)
  })
}

test('while a suspect cannot be started nothing runs beside it', async (t) => {
  const before = await openQueue(t)
  const [suspect, other] = [newTask(), newTask()]
  await before.add(suspect)
  await before.run(t, suspect)
  await before.add(other)
  const queue = await before.crash(t)
  queue.dieAt(death.beforeCommit)
  const { slots, ended } = dispatch(t, queue)
  t.deepEqual(await slots.begins(1), [suspect.id])
  t.is(queue.stores.length, 2)
  t.is(await queue.state(other), 'queued')
  slots.succeed(suspect.id)
  t.deepEqual(await slots.begins(2), [suspect.id, other.id])
  slots.succeed(other.id)
  await ended(2)
  t.deepEqual(await queue.counters(), { succeeded: 2 })
})
