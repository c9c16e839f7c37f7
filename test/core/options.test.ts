import test from 'ava'
import { newId } from '../../src/core/id.ts'
import { defaults, resolveOptions, type ResolvedOptions } from '../../src/core/options.ts'
import { tasks } from '../runtime/tasks.ts'

function call(given: unknown, base: ResolvedOptions = defaults): ResolvedOptions {
  return resolveOptions(given, base, 'files.resize.with()', 'call')
}

test('nothing given is the defaults', (t) => {
  t.deepEqual(call({}), defaults)
  t.like(defaults, {
    pool: 'cpu',
    priority: 0,
    retries: 0,
    backoff: { first: 1_000, factor: 2, jitter: 0.25, max: 3_600_000 },
    timeout: 600_000,
    ordered: true,
    keepOnError: false,
    delay: 0,
    runAt: null,
  })
})

test('what is given is resolved, durations to milliseconds', (t) => {
  const runAt = new Date('2030-01-01')
  const given = {
    pool: 'mail',
    priority: -5,
    retries: 8,
    backoff: { first: '5s', factor: 3, jitter: 0, max: '10m' },
    timeout: '30s',
    ordered: false,
    keepOnError: true,
    runAt,
  }
  t.deepEqual(call(given), {
    ...defaults,
    ...given,
    backoff: { first: 5_000, factor: 3, jitter: 0, max: 600_000 },
    timeout: 30_000,
    delay: 0,
    runAt: runAt.getTime(),
  })
  t.is(call({ delay: '2m' }).delay, 120_000)
})

test('an option nearer to the call wins, and undefined leaves it as it was', (t) => {
  const module = resolveOptions(
    { retries: 1, priority: 1, pool: 'a' },
    defaults,
    'defineTasks().files',
    'definition',
  )
  const task = resolveOptions(
    { retries: 2, priority: 2 },
    module,
    'defineTasks().files.tasks.x',
    'definition',
  )
  t.like(call({ retries: 3, timeout: undefined }, task), {
    retries: 3,
    priority: 2,
    pool: 'a',
    timeout: 600_000,
  })
  t.is(defaults.retries, 0)
})

test('parts of a backoff overlay those of the base', (t) => {
  const base = call({ backoff: { first: '5s', jitter: 0 } })
  t.deepEqual(call({ backoff: { max: '1m' } }, base).backoff, {
    first: 5_000,
    factor: 2,
    jitter: 0,
    max: 60_000,
  })
})

test('a delay given last replaces a runAt, and the other way round', (t) => {
  const runAt = new Date('2030-01-01')
  t.like(call({ delay: 5 }, call({ runAt })), { delay: 5, runAt: null })
  t.like(call({ runAt }, call({ delay: 5 })), { delay: 0, runAt: runAt.getTime() })
})

const wrong: [given: unknown, sentence: string | RegExp][] = [
  [
    { retires: 3 },
    /^files\.resize\.with\(\): Expected one of pool, priority, retries, .*, got "retires", did you mean "retries"\?$/,
  ],
  [{ Timeout: 3 }, /got "Timeout", did you mean "timeout"\?$/],
  [{ zzzzzzzz: 3 }, /got "zzzzzzzz"$/],
  [
    { backoff: { frist: 1 } },
    /\.backoff: Expected one of first, factor, jitter, max, got "frist", did you mean "first"\?$/,
  ],
  [null, 'files.resize.with(): Expected an object, got null'],
  ['30s', 'files.resize.with(): Expected an object, got "30s"'],
  [[], 'files.resize.with(): Expected an object, got an array of 0'],
  [{ pool: '' }, 'files.resize.with().pool: Expected a string that is not empty, got ""'],
  [{ pool: 3 }, 'files.resize.with().pool: Expected a string that is not empty, got 3'],
  [{ priority: 1.5 }, 'files.resize.with().priority: Expected an integer from -1000000 to 1000000, got 1.5'],
  [{ priority: 'high' }, /\.priority: Expected an integer from -1000000 to 1000000, got "high"$/],
  [{ retries: -1 }, 'files.resize.with().retries: Expected an integer from 0 to 1000000, got -1'],
  [{ retries: Infinity }, /\.retries: Expected an integer from 0 to 1000000, got Infinity$/],
  [{ backoff: 5 }, 'files.resize.with().backoff: Expected an object, got 5'],
  [
    { backoff: { factor: 0.5 } },
    'files.resize.with().backoff.factor: Expected a number from 1 to 100, got 0.5',
  ],
  [{ backoff: { jitter: 25 } }, 'files.resize.with().backoff.jitter: Expected a number from 0 to 1, got 25'],
  [
    { backoff: { first: 'soon' } },
    /\.backoff\.first: Expected milliseconds or a duration like .*, got "soon"$/,
  ],
  [{ timeout: '10 minutes' }, /\.timeout: Expected milliseconds or a duration like .*, got "10 minutes"$/],
  [{ timeout: 0 }, 'files.resize.with().timeout: Expected a number from 1 to 2147483647 ms, got 0'],
  [{ timeout: '60d' }, /\.timeout: Expected a number from 1 to 2147483647 ms, got 5184000000$/],
  [{ ordered: 'no' }, 'files.resize.with().ordered: Expected a boolean, got "no"'],
  [{ keepOnError: 1 }, 'files.resize.with().keepOnError: Expected a boolean, got 1'],
  [{ delay: -1 }, /\.delay: Expected milliseconds or a duration like .*, got -1$/],
  [{ runAt: '2030-01-01' }, 'files.resize.with().runAt: Expected a valid Date, got "2030-01-01"'],
  [{ runAt: new Date('x') }, 'files.resize.with().runAt: Expected a valid Date, got an instance of Date'],
  [{ delay: '1s', runAt: new Date() }, 'files.resize.with(): Expected either delay or runAt, got "both"'],
  [{ timeout: () => '30s' }, /\.timeout: Expected .*, got function timeout$/],
]
for (const [given, message] of wrong) {
  const what = typeof message === 'string' ? message : message.source
  test(`a wrong option is named: ${what}`, (t) => {
    t.throws(() => call(given), { code: 'AFTERWORK_BAD_OPTION', message })
  })
}

for (const key of ['delay', 'runAt']) {
  test(`${key} is for calls only`, (t) => {
    const given = { [key]: key === 'delay' ? '1s' : new Date() }
    t.throws(() => resolveOptions(given, defaults, 'defineTasks().files', 'definition'), {
      code: 'AFTERWORK_BAD_OPTION',
      message: new RegExp(`^defineTasks\\(\\)\\.files: Expected one of .*, got "${key}"`),
    })
  })
}

test('a task to follow may have further arguments, and need not know those of the other', (t) => {
  const task = tasks.life.note
  t.deepEqual(Object.keys(call({ onEnded: task }).onEnded!), ['name', 'options'])
  t.deepEqual(call({ onEnded: { task } }), call({ onEnded: task }))
  t.deepEqual(call({ onEnded: { task, args: [], withArgs: true } }), call({ onEnded: task }))
  const given = { task, args: ['x', { at: new Date(5) }], withArgs: false }
  t.like(call({ onEnded: given }).onEnded, {
    name: 'life.note',
    args: '["x",{"at":{"$":["date",5]}}]',
    withArgs: false,
  })
})

test('what cannot follow a task is refused', (t) => {
  const task = tasks.life.note
  const file = { id: newId(), name: 'a', type: 'text/plain', size: 1, path: '' }
  file.path = `/files/${file.id}`
  const refused: [given: unknown, message: RegExp, code?: string][] = [
    [null, /onEnded: Expected a task from defineTasks\(\), got null/],
    [() => {}, /onEnded: Expected a task from defineTasks\(\), got a function/],
    [{}, /onEnded\.task: Expected a task from defineTasks\(\), got undefined/],
    [{ task: 'life.note' }, /onEnded\.task: Expected a task/],
    [{ task, arguments: [] }, /onEnded: Expected one of task, args, withArgs, got "arguments"/],
    [{ task, args: 'x' }, /onEnded\.args: Expected an array, got "x"/],
    [{ task, withArgs: 'no' }, /onEnded\.withArgs: Expected a boolean/],
    [{ task, args: [{ file }] }, /onEnded\.args: Expected no stored files/],
    [{ task, args: ['x'.repeat(10_000)] }, /onEnded\.args: Expected at most 10000 characters of JSON/],
    [{ task, args: [() => {}] }, /argument 1 of .*onEnded\.args: Expected JSON/, 'AFTERWORK_BAD_VALUE'],
  ]
  for (const [onEnded, message, code = 'AFTERWORK_BAD_OPTION'] of refused) {
    t.throws(() => call({ onEnded }), { code, message })
  }
})
