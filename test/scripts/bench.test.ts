import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { AnyBenchmark } from '../../scripts/bench/harness/benchmark.ts'
import { benchCommand } from '../../scripts/bench/harness/command.ts'
import { rotated } from '../../scripts/bench/harness/rounds.ts'
import { median, percentile, spread } from '../../scripts/bench/harness/statistics.ts'
import { Absent } from '../../scripts/bench/harness/system-module.ts'
import { table } from '../../scripts/bench/harness/table.ts'
import { loop } from '../../scripts/bench/loop.ts'

/** A benchmark that measures nothing: in round n `ours` takes n ms and `plain` 10 n; `peer` is not installed. */
function fake(floors: AnyBenchmark['floors'] = {}): AnyBenchmark {
  const rounds: Record<string, number> = {}
  const systems = ['ours', 'plain', 'peer'].map((name) => ({ name, module: 'data:text/javascript,' }))
  return {
    name: 'fake',
    description: 'nothing at all',
    systems,
    columns: [{ measure: 'time', unit: 'ms' }],
    sizes: { full: {}, quick: {} },
    async measure({ system: { name } }) {
      if (name === 'peer') throw new Absent('peer is not installed')
      rounds[name] = (rounds[name] ?? 0) + 1
      return { time: rounds[name] * (name === 'plain' ? 10 : 1) }
    },
    ratios: (of) => ({
      'ours, ms': of('ours', 'time'),
      'plain / ours': of('plain', 'time') / of('ours', 'time'),
      'peer / ours': of('peer', 'time') / of('ours', 'time'),
    }),
    floors,
  }
}

/** Runs the command with these benchmarks and returns what it printed. */
async function bench(
  args: string[],
  ...benchmarks: AnyBenchmark[]
): Promise<{ code: number; out: string[]; err: string[] }> {
  const out: string[] = []
  const err: string[] = []
  const output = { log: (line: string) => void out.push(line), error: (line: string) => void err.push(line) }
  return { code: await benchCommand(args, benchmarks, output), out, err }
}

test('a median is the middle value, or the mean of the two in the middle', (t) => {
  t.is(median([10, 9, 100]), 10)
  t.is(median([4, 1, 3, 2]), 2.5)
  t.is(median([]), NaN)
})

test('a percentile is the smallest value that the share does not exceed', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  t.is(percentile(hundred, 0.5), 50)
  t.is(percentile(hundred, 0.99), 99)
  t.is(percentile(hundred, 1), 100)
  t.is(percentile([7], 0.01), 7)
  t.is(percentile([], 0.5), NaN)
})

test('a spread leaves out what was not measured', (t) => {
  t.deepEqual(spread([3, NaN, 1, 2]), { median: 2, min: 1, max: 3 })
  t.deepEqual(spread([NaN]), { median: NaN, min: NaN, max: NaN })
})

test('each round begins with another system', (t) => {
  const orders = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))
  t.deepEqual(orders, ['abc', 'bca', 'cab', 'abc'])
})

test('a table has aligned columns', (t) => {
  const lines = table([
    ['system', 'p50, ms'],
    ['a', '1.5'],
  ])
  t.deepEqual(lines, ['system  p50, ms', 'a           1.5'])
})

test('--check succeeds when every floor is reached', async (t) => {
  const floors = { 'ours, ms': { atMost: 2 }, 'plain / ours': { atLeast: 10 } }
  const { code, out } = await bench(['fake', '--rounds', '3', '--check'], fake(floors))
  t.is(code, 0)
  t.regex(out.join('\n'), /ours, ms +2\.00 +<= 2 +held/)
  t.regex(out.join('\n'), /plain \/ ours +10\.00 +>= 10 +held/)
})

test('--check fails for a floor that is missed in the median, or in any round where all count', async (t) => {
  const inMedian = await bench(
    ['fake', '--rounds', '3', '--check'],
    fake({ 'plain / ours': { atLeast: 11 } }),
  )
  t.is(inMedian.code, 1)
  t.regex(inMedian.out.join('\n'), /plain \/ ours +10\.00 +>= 11 +missed/)

  const everyRound = fake({ 'ours, ms': { atMost: 2, in: 'every round' } })
  const inOne = await bench(['fake', '--rounds', '3', '--check'], everyRound)
  t.is(inOne.code, 1)
  t.regex(inOne.out.join('\n'), /ours, ms +3\.00 +<= 2 in every round +missed/)
})

test('--check fails for a floor that names an absent peer, or a ratio that there is not', async (t) => {
  const floors = { 'peer / ours': { atLeast: 2 }, 'misspelled / ours': { atLeast: 2 } }
  const { code, out } = await bench(['fake', '--rounds', '1', '--check'], fake(floors))
  t.is(code, 1)
  t.regex(out.join('\n'), /peer +- +absent: peer is not installed/)
  t.regex(out.join('\n'), /peer \/ ours +- +>= 2 +not measured/)
  t.regex(out.join('\n'), /misspelled \/ ours +- +>= 2 +not measured/)
})

test('without --check a missed floor is shown but fails nothing', async (t) => {
  const { code, out } = await bench(['fake', '--rounds', '1'], fake({ 'ours, ms': { atMost: 0 } }))
  t.is(code, 0)
  t.regex(out.join('\n'), /missed/)
})

test('--json prints one line on standard output: medians, spreads, ratios, and who is absent', async (t) => {
  const { code, out, err } = await bench(['fake', '--rounds', '3', '--json'], fake())
  t.is(code, 0)
  t.true(err.length > 0)
  t.is(out.length, 1)
  t.deepEqual(JSON.parse(out[0]!), {
    name: 'fake',
    rounds: 3,
    rows: [
      { system: 'ours', time: 2, spread: { time: [1, 3] } },
      { system: 'plain', time: 20, spread: { time: [10, 30] } },
      { system: 'peer', absent: 'peer is not installed' },
    ],
    ratios: { 'ours, ms': 2, 'plain / ours': 10, 'peer / ours': null },
  })
})

test('without arguments the benchmarks are listed, a sentence each', async (t) => {
  const { code, out } = await bench([], fake(), loop)
  t.is(code, 0)
  t.is(out.length, 2)
  t.is(out[0], 'fake: nothing at all')
})

test('a wrong name, flag or number fails with one line', async (t) => {
  for (const args of [['fast'], ['fake', 'loop'], ['--quick'], ['fake', '--fast'], ['fake', '--rounds=0']]) {
    const { code, out, err } = await bench(args, fake())
    t.is(code, 1, args.join(' '))
    t.deepEqual(out, [])
    t.is(err.length, 1)
    t.notRegex(err[0]!, /\n/)
  }
})

test('npm run bench with an unknown name exits with 1 and one line on standard error', async (t) => {
  const main = fileURLToPath(new URL('../../scripts/bench/main.ts', import.meta.url))
  const args = ['--conditions=afterwork-source', main, 'lop']
  const [code, stdout, stderr] = await new Promise<[unknown, string, string]>((resolve) => {
    execFile(process.execPath, args, (error, ...printed) => resolve([error?.code, ...printed]))
  })
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /^Expected one benchmark of .*loop.*, got lop\n$/)
})

test('loop measures its three systems, each in a process of its own', async (t) => {
  const quick = { tasks: 2, ms: 30, rate: 100, seconds: 0.3, warmUp: 0.1 }
  const tiny = { ...loop, sizes: { full: quick, quick } }
  const { code, out, err } = await bench(['loop', '--quick', '--rounds', '1', '--json'], tiny)
  t.is(code, 0, err.join('\n'))
  const { rows, ratios } = JSON.parse(out.at(-1)!)
  t.deepEqual(
    rows.map(({ system }: { system: string }) => system),
    ['idle', 'afterwork', 'plain'],
  )
  for (const row of rows) t.true(row.pings > 0 && row.p99 >= row.p50, row.system)
  t.true(rows[1]['work ended'] > 0)
  t.deepEqual(Object.keys(ratios), Object.keys(loop.floors))
})
