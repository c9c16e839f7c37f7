import test from 'ava'
import { accept } from '../../scripts/bench/accept.ts'
import { backlog } from '../../scripts/bench/backlog.ts'
import { cluster, type ClusterSize } from '../../scripts/bench/cluster.ts'
import { durable } from '../../scripts/bench/durable.ts'
import type { AnyBenchmark } from '../../scripts/bench/harness/benchmark.ts'
import { benchCommand } from '../../scripts/bench/harness/command.ts'
import { restart } from '../../scripts/bench/restart.ts'
import { work } from '../../scripts/bench/work.ts'

/** What a report may lack: peers that are not installed, and a restart with an engine that keeps nothing. */
const mayLack = process.env['AFTERWORK_BENCH_QUEUE'] === 'memory:' ? /bullmq|first task/ : /bullmq/

/** It starts a dozen processes, which is enough to wait for. */
const smallest: ClusterSize = {
  dispatch: { tasks: 5, warmUp: 1, seed: 8, pauses: [1, 5] },
  adds: { adders: 32, warmUp: 0.1, seconds: 0.2 },
  backlog: { ours: 100, fast: 100, slow: 20 },
}

const benchmarks: AnyBenchmark[] = [
  accept,
  durable,
  work,
  backlog,
  restart,
  { ...cluster, sizes: { full: smallest, quick: smallest } },
]

for (const benchmark of benchmarks) {
  test.serial(`${benchmark.name} measures its systems and gives every ratio that has a floor`, async (t) => {
    const { name, systems, floors } = benchmark
    const out: string[] = []
    const err: string[] = []
    const output = {
      log: (line: string) => void out.push(line),
      error: (line: string) => void err.push(line),
    }
    const code = await benchCommand([name, '--quick', '--rounds', '1', '--json'], [benchmark], output)
    t.is(code, 0, err.join('\n'))

    const { rows, ratios } = JSON.parse(out.at(-1)!)
    t.deepEqual(
      rows.map(({ system }: { system: string }) => system),
      systems.map((system) => system.name),
    )
    for (const ratio of Object.keys(floors))
      t.true(typeof ratios[ratio] === 'number' || (ratios[ratio] === null && mayLack.test(ratio)), ratio)
  })
}
