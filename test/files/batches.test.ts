import { PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { batches } from '../../src/files/batches.ts'

const kilobytes = (count: number): Buffer => Buffer.alloc(count * 1024, 'content')

test('what came while the batch before was worked on is one batch, in order', async (t) => {
  const source = new PassThrough({ highWaterMark: 1024 ** 2 })
  const sizes: number[][] = []
  source.write(Buffer.from('1'))
  for await (const batch of batches(source)) {
    sizes.push(batch.map(({ length }) => length))
    if (sizes.length > 1) continue
    for (const length of [2, 3, 4]) {
      source.write(Buffer.alloc(length))
      await setImmediate()
    }
    source.end(Buffer.alloc(5))
    await setImmediate()
  }
  t.deepEqual(sizes, [[1], [2, 3, 4, 5]])
})

test('slow work holds the source up, and all of it comes', async (t) => {
  let made = 0
  let read = 0
  let most = 0
  async function* endless() {
    for (; made < 8_000; made += 64) yield kilobytes(64)
  }
  for await (const batch of batches(Readable.from(endless(), { objectMode: false }))) {
    for (let turn = 0; turn < 50; turn++) await setImmediate()
    for (const { length } of batch) read += length / 1024
    most = Math.max(most, made - read)
  }
  t.is(read, 8_000)
  t.true(most < 3_000, `${most} kB waited`)
})

test('many chunks of a byte each hold the source up, too', async (t) => {
  const source = new PassThrough()
  for (let chunk = 0; chunk < 1_000; chunk++) source.write('x')
  source.end()
  let bytes = 0
  for await (const batch of batches(source)) {
    t.true(batch.length <= 256)
    await setImmediate()
    bytes += batch.length
  }
  t.is(bytes, 1_000)
})

test('a source without content, or one that has ended already, gives no batch', async (t) => {
  const empty = Readable.from([])
  const ended = Readable.from([kilobytes(1)])
  await ended.toArray()
  for (const source of [empty, ended]) for await (const _ of batches(source)) t.fail()
  t.pass()
})

test('a source that fails or is closed early is an error, also while a batch is worked on', async (t) => {
  const failing = new PassThrough()
  failing.write('x')
  const closing = new PassThrough()
  async function read(source: PassThrough, end: () => void): Promise<void> {
    for await (const _ of batches(source)) end()
  }
  await t.throwsAsync(
    read(failing, () => failing.destroy(new Error('cut'))),
    { message: 'cut' },
  )
  closing.write('x')
  await t.throwsAsync(
    read(closing, () => closing.destroy()),
    { code: 'ERR_STREAM_PREMATURE_CLOSE' },
  )
})

test('whoever leaves early leaves the source open, paused, and without listeners', async (t) => {
  const source = new PassThrough()
  source.write('x')
  const before = source.eventNames()
  for await (const _ of batches(source)) break
  t.false(source.destroyed)
  t.true(source.isPaused())
  t.deepEqual(source.eventNames(), before)
})
