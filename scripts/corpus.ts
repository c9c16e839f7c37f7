/**
 * Tries files that were made to break programs like ours:
 * npm run corpus [-- --sample N --only image|pdf|table|archive|text --file PATH --seed S --timeout SECONDS --jobs N
 *   --cache DIR --keep DIR]
 * They are what npm and Debian packages ship as tests of image, PDF, CSV and archive libraries, our samples, and damaged
 * copies of all of them. Each is stored and processed as the service would; none may end a thread, hang, take all
 * memory, or fail without a code that says why. Nothing is installed, and nothing is written but to the cache.
 */
import { choose } from './corpus/choose.ts'
import { parseOptions, type Options } from './corpus/options.ts'
import { run } from './corpus/run.ts'

const stop = new AbortController()

const options = read()
if (options !== undefined) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)))
  const say = (line: string) => console.log(line)
  try {
    const files = await choose(options, say)
    say(`seed ${options.seed}, ${files.length} files, cache ${options.cache}`)
    if (!(await run(files, options, say, stop.signal))) process.exitCode = 1
  } catch (error) {
    console.error(`corpus: ${(error as Error).message}`)
    process.exitCode = 1
  }
}

function read(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`corpus: ${(error as Error).message}`)
    process.exitCode = 1
    return undefined
  }
}
