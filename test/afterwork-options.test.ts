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

test('limits of tasks are checked, and only what they say wins over the definition', (t) => {
  const limits = {
    'steps.echo': { rateLimit: { max: 10, per: '1s' as const } },
    'steps.report': { concurrency: 2 },
  }
  t.deepEqual(resolveAfterwork({ tasks, limits }).bounds.limits, {
    'steps.echo': { rateLimit: { max: 10, per: 1_000 } },
    'steps.report': { concurrency: 2 },
  })
  t.deepEqual(resolveAfterwork({ tasks }).bounds.limits, {})
  for (const [bad, message] of [
    [
      { 'steps.echo': { retries: 1 } },
      /limits\.steps\.echo: Expected one of concurrency, rateLimit, got "retries"/,
    ],
    [{ 'steps.echo': { rateLimit: { max: 0, per: '1s' } } }, /limits\.steps\.echo\.rateLimit\.max: Expected/],
    [{ 'steps.echo': 5 }, /limits\.steps\.echo: Expected an object, got 5/],
    [[], /limits: Expected an object/],
  ] as const) {
    t.throws(() => resolveAfterwork({ tasks, limits: bad as never }), {
      code: 'AFTERWORK_BAD_OPTION',
      message,
    })
  }
})

const shared = 'postgres://me:hunter2@db.example/shop'

test('a process works on all pools, on none, or on some of its own', (t) => {
  const pools = { reports: {} }
  const worksOn = (work?: boolean | string[]) => [
    ...resolveAfterwork({ tasks, pools, queue: shared, ...(work !== undefined && { work }) }).work,
  ]
  t.deepEqual(worksOn(), ['cpu', 'mail', 'reports'])
  t.deepEqual(worksOn(true), ['cpu', 'mail', 'reports'])
  t.deepEqual(worksOn(false), [])
  t.deepEqual(worksOn([]), [])
  t.deepEqual(worksOn(['reports', 'cpu', 'reports']), ['reports', 'cpu'])
  for (const [work, message] of [
    [
      ['report'],
      /work: Expected some of the pools cpu, mail, reports, got "report", did you mean "reports"\?/,
    ],
    [['local'], /work: Expected some of the pools cpu, mail, reports, got "local"/],
    [[1], /work: Expected some of the pools .*, got 1/],
    ['cpu', /work: Expected true, false or names of pools, got "cpu"/],
    [1, /work: Expected true, false or names of pools, got 1/],
  ] as const) {
    t.throws(() => worksOn(work as never), { code: 'AFTERWORK_BAD_OPTION', message })
  }
})

test('who has a queue for itself works on all its pools, or its tasks would wait for ever', (t) => {
  for (const queue of ['memory:', 'sqlite:data/queue.db']) {
    const resolve = (work: boolean | string[]) => resolveAfterwork({ tasks, queue, work })
    t.is(resolve(true).work.size, 2)
    t.is(resolve(['mail', 'cpu']).work.size, 2)
    const message = new RegExp(
      `work: Expected true or all pools, .* ${queue} \\(with a postgres: queue others can\\)`,
    )
    t.throws(() => resolve(false), { code: 'AFTERWORK_BAD_OPTION', message })
    t.throws(() => resolve(['cpu']), { code: 'AFTERWORK_BAD_OPTION', message })
  }
})
