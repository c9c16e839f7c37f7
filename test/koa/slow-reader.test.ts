import { once } from 'node:events'
import { get, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { TaskDocument, TaskRecord, TaskState } from 'afterwork'
import test from 'ava'
import { Events } from '../../src/core/events.ts'
import { TaskEvents } from '../../src/koa/task-events.ts'
import { TaskWatch } from '../../src/koa/task-watch.ts'

/** A task that changes when the test says so, with a document of `size` bytes. */
class Changing {
  readonly events: TaskEvents
  /** How often its document was made. */
  shown = 0
  watched = 0
  #state: TaskState = 'running'
  #step = 0
  #changed = (): void => {}

  constructor(size = 0) {
    const padding = 'x'.repeat(size)
    this.events = new TaskEvents(
      {
        get: () => Promise.resolve(this.#record()),
        watch: (changed) => {
          this.watched++
          this.#changed = changed
          return () => this.watched--
        },
        document: ({ state, progress }) => {
          this.shown++
          return { state, progress, padding } as unknown as TaskDocument
        },
      },
      '',
    )
  }

  /** One change, and as many turns of the loop as it takes to be shown. */
  async change(state: TaskState = 'running'): Promise<void> {
    this.#step++
    this.#state = state
    this.#changed()
    await new Promise((resolve) => setImmediate(resolve))
  }

  #record(): TaskRecord {
    const progress = { fraction: this.#step / 1e6, message: null }
    return { state: this.#state, attempt: 1, progress, runAt: null } as TaskRecord
  }
}

test('frames for a reader that does not read are skipped, and the newest is there once it does', async (t) => {
  const task = new Changing(1_000)
  for (let count = 0; count < 5_000; count++) await task.change()
  t.true(task.events.readableLength <= 2 * task.events.readableHighWaterMark)
  t.true(task.shown < 200, `${task.shown} frames were made`)
  await task.change('succeeded')
  const frames = (await text(task.events)).split('\n\n').filter((block) => block !== '')
  t.is(frames.length, task.shown)
  t.true(frames.at(-1)!.includes('"state":"succeeded","progress":{"fraction":0.005001'))
})

test('a client that leaves its socket unread costs the server a bounded number of bytes, and still sees the end', async (t) => {
  const task = new Changing(100_000)
  let response: ServerResponse | undefined
  const server = createServer((_request, res) => {
    response = res
    pipeline(task.events, res, () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const [incoming] = (await once(
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }),
    'response',
  )) as [IncomingMessage]

  const changes = 2_000
  let most = 0
  for (let count = 0; count < changes; count++) {
    await task.change()
    most = Math.max(most, task.events.readableLength + response!.writableLength)
  }
  t.true(most < 1_000_000, `${most} bytes were buffered`)
  t.true(task.shown < changes / 2, `${task.shown} frames were made`)
  await task.change('failed')
  const frames = (await text(incoming)).split('\n\n').filter((block) => block !== '')
  t.is(frames.length, task.shown)
  t.regex(frames.at(-1)!, /"state":"failed"/)
})

test('what happens to a task after its end reaches no stream that has ended, read or not', async (t) => {
  const task = new Changing()
  task.events.resume().pause()
  await task.change('failed')
  await task.change('queued')
  await task.change('running')
  const frames = (await text(task.events)).split('\n\n').filter((block) => block !== '')
  t.regex(frames.at(-1)!, /"state":"failed"/)
  t.is(task.watched, 0)
})

test('a task that is forgotten meanwhile ends the stream, and a source that fails destroys it', async (t) => {
  const gone = new TaskEvents(
    { get: () => Promise.resolve(undefined), watch: () => () => {}, document: () => t.fail() as never },
    '',
  )
  t.is(await text(gone), '')
  let unwatched = 0
  const failing = new TaskEvents(
    {
      get: () => Promise.reject(new Error('no database')),
      watch: () => () => unwatched++,
      document: () => t.fail() as never,
    },
    '',
  )
  await t.throwsAsync(text(failing), { message: 'no database' })
  t.is(unwatched, 1)
})

test('watchers have one listener an event among them, and none when the last has gone', (t) => {
  const events = new Events()
  const watch = new TaskWatch(events, {})
  const seen: string[] = []
  const started = (id: string) =>
    events.emit('task.started', { id, name: 'n', pool: 'cpu', at: 0, attempt: 1, waited: 0 })
  t.false(events.has('task.started'))
  const stops = [
    watch.watch('a', () => seen.push('first of a')),
    watch.watch('a', () => seen.push('second of a')),
    watch.watch('b', () => seen.push('b')),
  ]
  started('a')
  started('c')
  t.deepEqual(seen, ['first of a', 'second of a'])
  stops[0]!()
  stops[0]!()
  started('a')
  t.deepEqual(seen.slice(2), ['second of a'])
  t.true(events.has('task.started'))
  stops[1]!()
  stops[2]!()
  for (const name of ['task.started', 'task.progress', 'task.cancelled', 'task.requeued'] as const)
    t.false(events.has(name), name)
})

test('what other processes do to a task is watched once, and for as long as somebody watches the task', (t) => {
  const others = new Map<string, () => void>()
  const begun: string[] = []
  const watch = new TaskWatch(new Events(), {
    watch: (id, changed) => {
      begun.push(id)
      others.set(id, changed)
      return () => others.delete(id)
    },
  })
  const seen: string[] = []
  const stops = [watch.watch('a', () => seen.push('first')), watch.watch('a', () => seen.push('second'))]
  others.get('a')!()
  t.deepEqual(seen, ['first', 'second'])
  stops[0]!()
  others.get('a')!()
  t.deepEqual(seen.slice(2), ['second'])
  stops[1]!()
  t.deepEqual([...others.keys()], [])
  t.deepEqual(begun, ['a'])
})
