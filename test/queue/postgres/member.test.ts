import test from 'ava'
import { Member } from '../../../src/queue/postgres/member.ts'

/** A process whose clock is behind that of the database by so much, in milliseconds. */
function startMember(behind: number) {
  let now = 1_000_000
  const member = new Member(() => now)
  /** Asks the database for the time; its answer is given so long after it was asked, and heard so much later again. */
  const compare = (there: number, back: number): void => {
    const asked = now
    now += there
    const answer = now + behind
    now += back
    member.compare(answer, asked)
  }
  return { member, compare, turn: (to: number) => (behind = to) }
}

test('clocks that are the same are taken for the same, however long the way is', (t) => {
  const { member, compare } = startMember(0)
  for (const [there, back] of [
    [1, 1],
    [0, 3_000],
    [3_000, 0],
    [100, 5_000],
  ] as const) {
    compare(there, back)
    t.is(member.shift, 0)
  }
})

test('a clock that is behind is known by the shortest way, whatever longer ones say', (t) => {
  const { member, compare } = startMember(60_000)
  compare(0, 2_000)
  t.is(member.shift, 59_000)
  compare(1, 1)
  t.is(member.shift, 60_000)
  for (const [there, back] of [
    [0, 2_000],
    [2_000, 0],
  ] as const) {
    compare(there, back)
    t.is(member.shift, 60_000)
  }
})

test('a clock that is set, forward or back, is seen at once', (t) => {
  const { member, compare, turn } = startMember(0)
  for (const behind of [5_000, 5_100, -7_000, 0]) {
    turn(behind)
    compare(2, 2)
    t.is(member.shift, behind)
    t.is(member.there(0), behind)
    t.is(member.here(behind), 0)
  }
})
