import test from 'ava'
import { isId, newId } from '../../src/core/id.ts'

test('an id is a UUID of version 7', (t) => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const ids = Array.from({ length: 1_000 }, () => newId())
  t.deepEqual(
    ids.filter((id) => !form.test(id) || !isId(id)),
    [],
  )
})

test.serial('an id begins with the time it was made', (t) => {
  const now = Date.now() + 60_000
  t.is(Number.parseInt(newId(now).replaceAll('-', '').slice(0, 12), 16), now)
})

test.serial(
  'ids of one millisecond sort in the order in which they were made, more than the counter holds',
  (t) => {
    const now = Date.now() + 120_000
    const ids = Array.from({ length: 10_000 }, () => newId(now))
    t.deepEqual(ids, ids.toSorted())
    t.is(new Set(ids).size, ids.length)
  },
)

test.serial('ids go on sorting when the clock is set back', (t) => {
  const now = Date.now() + 180_000
  const ids = [newId(now), newId(now - 5_000), newId(now - 4_000), newId(now + 1)]
  t.deepEqual(ids, ids.toSorted())
})

test('100,000 ids are all different, and their random parts too', (t) => {
  const ids = Array.from({ length: 100_000 }, () => newId())
  t.is(new Set(ids).size, ids.length)
  t.is(new Set(ids.map((id) => id.slice(20))).size, ids.length)
})

for (const [what, value] of [
  ['another version', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f'],
  ['another variant', '017f22e2-79b0-7cc3-18c4-dc0c0c07398f'],
  ['capitals', '017F22E2-79B0-7CC3-98C4-DC0C0C07398F'],
  ['something around it', ' 017f22e2-79b0-7cc3-98c4-dc0c0c07398f'],
  ['a line after it', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n'],
  ['a path', '../../etc/passwd'],
  ['no string', 7],
] as const) {
  test(`an id of ours has not ${what}`, (t) => {
    t.false(isId(value))
  })
}
