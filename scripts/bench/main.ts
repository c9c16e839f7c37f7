/** Runs a benchmark: npm run bench -- loop [--quick] [--rounds N] [--json] [--check]. Without a name it lists them. */
import type { AnyBenchmark } from './harness/benchmark.ts'
import { benchCommand } from './harness/command.ts'
import { loop } from './loop.ts'

const benchmarks: AnyBenchmark[] = [loop]

process.exitCode = await benchCommand(process.argv.slice(2), benchmarks, console)
