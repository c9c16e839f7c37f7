/**
 * Proves that SIGKILL loses nothing: npm run crash [-- --kills N --seed S --keep]
 * Runs a service under mixed load, kills it at random moments, starts it again on the same data, and then shows from
 * outside that everything it acknowledged was done. Likewise with several processes that share a queue:
 * npm run crash -- --queue postgres [--processes N --database-kills N], on a PostgreSQL of its own, some of the kills
 * being that server's, or on that of TEST_POSTGRES_URL.
 */
import { parseOptions, type Options } from './crash/options.ts'
import { run } from './crash/run.ts'

const stop = new AbortController()

const server = process.env['TEST_POSTGRES_URL']
const options = read()
if (options !== undefined) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)))
  try {
    const surroundings = {
      say: (line: string) => console.log(line),
      queueOf: (data: string) => `sqlite:${data}/queue.db`,
      server,
      signal: stop.signal,
    }
    if (!(await run(options, surroundings))) process.exitCode = 1
  } catch (error) {
    const told = stop.signal.aborted ? (stop.signal.reason as Error).message : (error as Error).stack
    console.error(`crash: ${told}`)
    process.exitCode = 1
  }
}

function read(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2), server !== undefined)
  } catch (error) {
    console.error(`crash: ${(error as Error).message}`)
    process.exitCode = 1
    return undefined
  }
}
