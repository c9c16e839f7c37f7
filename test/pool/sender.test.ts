import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import type { AttemptEnd } from '../../src/core/pool.ts'
import { Board, boardMemory } from '../../src/pool/board.ts'
import { Flight } from '../../src/pool/flight.ts'
import { Flights } from '../../src/pool/flights.ts'
import { Sender } from '../../src/pool/sender.ts'
import type { Threads } from '../../src/pool/threads.ts'
import { claimedTask } from './claimed-task.ts'
import { resultOf, Subject } from './subject.ts'

/** Threads that answer when they are told to. */
class Answering {
  readonly board = new Board(
    boardMemory({ minThreads: 1, maxThreads: 1, concurrency: 1_000, nice: 0, env: process.env }),
  )
  readonly flights = new Flights(this.board)
  readonly answers: (() => void)[] = []

  run(): Promise<undefined> {
    return new Promise((resolve) => this.answers.push(() => resolve(undefined)))
  }
}

function subject() {
  const threads = new Answering()
  const ended: Flight[] = []
  const sender = new Sender({
    replied: (flight) => void ended.push(flight),
    lost: () => {},
  })
  const to = threads as unknown as Threads
  const send = (how: 'single' | 'batched') =>
    sender[how](new Flight(claimedTask('work.add'), (_end: AttemptEnd) => {}), to)
  return { threads, ended, sender, send }
}

test('a turn of the loop sends only so many messages at once, the others when it ends', async (t) => {
  const { threads, send, sender } = subject()
  for (let i = 0; i < 200; i++) send('single')
  t.is(threads.answers.length, 64)
  t.is(sender.slots, 200)
  await nextTurn()
  t.is(threads.answers.length, 200)
  send('single')
  t.is(threads.answers.length, 201)
})

test('what is batched goes when the turn ends, 64 a message and in a slot', async (t) => {
  const { threads, ended, send, sender } = subject()
  for (let i = 0; i < 100; i++) send('batched')
  t.is(threads.answers.length, 0)
  t.is(sender.slots, 2)
  await nextTurn()
  t.is(threads.answers.length, 2)
  send('batched')
  t.is(sender.slots, 3)
  threads.answers[0]!()
  await nextTurn()
  t.is(ended.length, 64)
  t.is(sender.slots, 2)
})

test('batched tasks of one turn go to the threads of their time', async (t) => {
  const { pool } = new Subject(t)
  const batched = () => pool.run(claimedTask('stages.work', [0], { batch: true }))
  const before = batched()
  pool.resize({ ...pool.sizes, maxThreads: 2 })
  const after = batched()
  const ends = [await before, await after]
  for (const end of ends) t.is(resultOf(t, end).threadId, end.thread)
  t.not(ends[0]!.thread, ends[1]!.thread)
})
