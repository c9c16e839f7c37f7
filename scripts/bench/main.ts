/** Runs a benchmark: npm run bench -- loop [--quick] [--rounds N] [--json] [--check]. Without a name it lists them. */
import { accept } from './accept.ts'
import { backlog } from './backlog.ts'
import { cluster } from './cluster.ts'
import { durable } from './durable.ts'
import { files } from './files.ts'
import type { AnyBenchmark } from './harness/benchmark.ts'
import { benchCommand } from './harness/command.ts'
import { loop } from './loop.ts'
import { mail } from './mail.ts'
import { restart } from './restart.ts'
import { upload } from './upload.ts'
import { work } from './work.ts'

const benchmarks: AnyBenchmark[] = [
  loop,
  accept,
  durable,
  work,
  backlog,
  restart,
  cluster,
  upload,
  files,
  mail,
]

// With a proper exit the folders of the benchmark go; its processes hear that their parent has gone.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

process.exitCode = await benchCommand(process.argv.slice(2), benchmarks, console)
