import test from 'ava'
import { resolveAfterwork } from '../src/afterwork-options.ts'
import { tasks } from './support/tasks.ts'

const hour = 3_600_000

test('without a bound uploads may fill the disk, and files that nobody names stay as long as others', (t) => {
  t.like(resolveAfterwork({ tasks }), { maxDisk: Infinity, keepFiles: 24 * hour, keepUnnamed: 24 * hour })
  t.like(resolveAfterwork({ tasks, keepFiles: '7d' }), { keepUnnamed: 168 * hour })
  t.like(resolveAfterwork({ tasks, keepFiles: '1m' }), { keepUnnamed: hour })
  t.like(resolveAfterwork({ tasks, keepFiles: '7d', keepUnnamed: '1s' }), { keepUnnamed: 1_000 })
  t.is(resolveAfterwork({ tasks, maxDisk: 5 }).maxDisk, 5)
})

for (const [option, value] of [
  ['maxDisk', 0],
  ['maxDisk', 1.5],
  ['maxDisk', '1GB'],
  ['maxDisk', Infinity],
  ['keepUnnamed', 'soon'],
  ['keepUnnamed', -1],
] as const) {
  test(`${option} ${value} is refused`, (t) => {
    t.throws(() => resolveAfterwork({ tasks, [option]: value as never }), {
      code: 'AFTERWORK_BAD_OPTION',
      message: new RegExp(`^createAfterwork\\(\\)\\.${option}: Expected `),
    })
  })
}
