import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Endings } from '../test/support/endings.ts'
import { startPostgres } from '../test/support/postgres.ts'

/**
 * Runs a command with a PostgreSQL server of its own, whose URL is in TEST_POSTGRES_URL; with that of the environment where
 * it is set already. Exits as the command does.
 * @example
 * node scripts/with-postgres.ts ava 'test/runtime/**'
 */
const [program, ...flags] = process.argv.slice(2)
if (program === undefined) {
  console.error('Expected a command, got nothing')
  process.exit(1)
}
const endings = new Endings()
const url = process.env['TEST_POSTGRES_URL'] ?? (await startPostgres(endings)).url('postgres')
const command = spawn(program, flags, {
  stdio: 'inherit',
  env: { ...process.env, TEST_POSTGRES_URL: url },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => command.kill(signal))
const [code] = (await once(command, 'exit')) as [number | null]
await endings.run()
process.exitCode = code ?? 1
