import test from 'ava'
import { files } from '../../scripts/bench/files.ts'
import type { AnyBenchmark } from '../../scripts/bench/harness/benchmark.ts'
import { benchCommand } from '../../scripts/bench/harness/command.ts'
import { upload } from '../../scripts/bench/upload.ts'

/** A report may lack peers that are not installed. */
const mayLack = /openssl|fastapi/

const small: AnyBenchmark[] = [
  { ...upload, sizes: sized({ large: 300_000, small: 10_000, warmUp: 0.1, seconds: 0.2 }) },
  {
    ...files,
    sizes: sized({ table: 200_000, 'large table': 400_000, bytes: 100e6, pages: 3, warmUp: 0, times: 1 }),
  },
]

function sized<Size>(quick: Size): { full: Size; quick: Size } {
  return { full: quick, quick }
}

for (const benchmark of small) {
  test.serial(`${benchmark.name} measures its systems and gives every ratio that has a floor`, async (t) => {
    const { name, systems, columns, floors } = benchmark
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
    const isMeasured = (value: unknown, of: string): boolean =>
      (typeof value === 'number' && value > 0) || (value === null && mayLack.test(of))
    for (const row of rows) {
      if (row.absent !== undefined) t.regex(row.system, mayLack)
      else for (const { measure } of columns) t.true(isMeasured(row[measure], row.system), row.system)
    }
    for (const ratio of Object.keys(floors)) t.true(isMeasured(ratios[ratio], ratio), ratio)
  })
}
