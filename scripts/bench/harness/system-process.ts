/** The process of one system: imports its module, starts it, tells the port, and stops when the harness does. */
import { Absent, type SystemModule } from './system-module.ts'
import type { SystemReply } from './system.ts'

const [module = '', options = '{}'] = process.argv.slice(2)
const ended = new Promise<void>((resolve) => process.once('disconnect', resolve))
const { start } = (await import(module)) as SystemModule

try {
  const { port, stop } = await start(JSON.parse(options))
  process.send!({ port } satisfies SystemReply)
  await ended
  await stop?.()
} catch (error) {
  if (!(error instanceof Absent)) throw error
  process.send!({ absent: error.message } satisfies SystemReply)
}
process.exit()
