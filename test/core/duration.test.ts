import { inspect } from 'node:util'
import test from 'ava'
import { milliseconds } from '../../src/core/duration.ts'

test('a number is milliseconds already', (t) => {
  t.is(milliseconds(0, 'timeout'), 0)
  t.is(milliseconds(1500, 'timeout'), 1500)
})

test('a number with a unit is converted', (t) => {
  t.is(milliseconds('250ms', 'timeout'), 250)
  t.is(milliseconds('30s', 'timeout'), 30_000)
  t.is(milliseconds('10m', 'timeout'), 600_000)
  t.is(milliseconds('1.5h', 'timeout'), 5_400_000)
  t.is(milliseconds('7d', 'timeout'), 604_800_000)
})

const wrong = [
  '',
  '10',
  'm',
  '10 m',
  '10M',
  '-1s',
  '1w',
  's10',
  -1,
  NaN,
  Infinity,
  null,
  undefined,
  true,
  {},
  5n,
]
for (const value of [...wrong, `${'9'.repeat(400)}d`]) {
  test(`${inspect(value).slice(0, 20)} is no duration`, (t) => {
    const error = t.throws(() => milliseconds(value, 'drain'), { code: 'AFTERWORK_BAD_OPTION' })
    t.regex(error.message, /^drain: Expected milliseconds or a duration like '30s', .*, got /)
  })
}
