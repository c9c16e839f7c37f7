import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { Board, boardMemory } from '../../src/pool/board.ts'

const sizes = { minThreads: 1, maxThreads: 4, concurrency: 10, nice: 0, env: process.env }

test('a row is empty until its attempt begins, then tells where, when, and whether it was the first', (t) => {
  const board = new Board(boardMemory(sizes))
  t.is(board.thread(5), null)
  const before = Date.now()
  board.begin(5, 17, true)
  t.is(board.thread(5), 17)
  t.true(board.startedAt(5) >= before && board.startedAt(5) <= Date.now())
  t.true(board.first(5))
  t.false(board.ended(5))
  board.end(5)
  t.true(board.ended(5))
  t.true(board.first(5))
  t.is(board.thread(4), null)
  t.is(board.thread(6), null)
})

test('a row that is cleared tells the next attempt nothing of the one before', (t) => {
  const board = new Board(boardMemory(sizes))
  board.begin(0, 17, true)
  board.end(0)
  board.clear(0)
  t.is(board.thread(0), null)
  board.begin(0, 18, false)
  t.false(board.first(0))
  t.false(board.ended(0))
})

test('it has a row for every attempt that there may be, and keeps what it holds when it grows', (t) => {
  const memory = boardMemory(sizes)
  const board = new Board(memory)
  board.begin(1, 17, false)
  const last = 4 * 10 * 64 - 1
  t.true(memory.byteLength < last * 16)
  board.clear(last)
  board.begin(last, 18, false)
  t.is(board.thread(last), 18)
  t.is(board.thread(1), 17)
  t.throws(() => board.clear(last + 1), { instanceOf: RangeError })
})

test('the largest pool there may be has a board, too, which sets aside no more than 64 MB', (t) => {
  const memory = boardMemory({ ...sizes, maxThreads: 10_000, concurrency: 10_000 })
  t.true(memory.maxByteLength <= 64 * 1024 ** 2)
  const board = new Board(memory)
  board.clear(1_000)
  board.begin(1_000, 1, true)
  t.is(board.thread(1_000), 1)
})

test('what a thread writes is read while the thread is busy, also in rows that came after its start', async (t) => {
  const memory = boardMemory(sizes)
  const board = new Board(memory)
  const url = new URL('../../src/pool/board.ts', import.meta.url).href
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(url)}).then(({ Board }) => {
      const board = new Board(workerData)
      parentPort.once('message', (row) => {
        board.begin(row, 17, true)
        for (;;);
      })
      parentPort.postMessage('ready')
    })`
  const worker = new Worker(code, { eval: true, workerData: memory })
  t.teardown(() => worker.terminate())
  await once(worker, 'message')
  board.clear(2_000)
  worker.postMessage(2_000)
  while (board.thread(2_000) === null) await new Promise(setImmediate)
  t.is(board.thread(2_000), 17)
})
