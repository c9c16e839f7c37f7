import test from 'ava'
import { resolvePool } from '../../src/core/pool.ts'

const base = { minThreads: 1, maxThreads: 4, concurrency: 1, nice: 10, env: { A: 'a' } }

test('sizes that are not given are those of the base', (t) => {
  t.deepEqual(resolvePool({}, base, 'pools.cpu'), base)
  t.deepEqual(resolvePool({ concurrency: 10, env: { B: 'b' } }, base, 'pools.cpu'), {
    ...base,
    concurrency: 10,
    env: { B: 'b' },
  })
})

test('minThreads gives way to a smaller maxThreads, unless it was given', (t) => {
  const large = { ...base, minThreads: 3 }
  t.like(resolvePool({ maxThreads: 2 }, large, 'pools.cpu'), { minThreads: 2, maxThreads: 2 })
  t.throws(() => resolvePool({ minThreads: 3, maxThreads: 2 }, base, 'pools.cpu'), {
    code: 'AFTERWORK_BAD_OPTION',
    message: 'pools.cpu.minThreads: Expected at most maxThreads, which is 2, got 3',
  })
})

for (const [given, message] of [
  [{ maxThreads: 0 }, 'pools.cpu.maxThreads: Expected an integer from 1 to 10000, got 0'],
  [{ minThreads: -1 }, 'pools.cpu.minThreads: Expected an integer from 0 to 10000, got -1'],
  [{ concurrency: '2' }, 'pools.cpu.concurrency: Expected an integer from 1 to 10000, got "2"'],
  [{ nice: 20 }, 'pools.cpu.nice: Expected an integer from 0 to 19, got 20'],
  [{ threads: 2 }, /^pools\.cpu: Expected one of minThreads, .*, got "threads"/],
  [4, 'pools.cpu: Expected an object, got 4'],
] as const) {
  test(`a wrong size is named: ${String(message)}`, (t) => {
    t.throws(() => resolvePool(given, base, 'pools.cpu'), { code: 'AFTERWORK_BAD_OPTION', message })
  })
}
