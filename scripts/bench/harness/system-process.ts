/** The process of one system: imports its module, starts it, answers what is asked, and stops when the harness does. */
import { Absent, type StartedSystem, type SystemModule } from './system-module.ts'
import type { Question, SystemReply } from './system.ts'

const [module = '', options = '{}'] = process.argv.slice(2)
const ended = new Promise<void>((resolve) => process.once('disconnect', resolve))
const { start } = (await import(module)) as SystemModule

try {
  const system = await start(JSON.parse(options))
  process.on('message', (question: Question) => void answer(system, question).then(tell))
  tell({ port: system.port ?? null })
  await ended
  await system.stop?.()
} catch (error) {
  const { message } = error as Error
  tell(error instanceof Absent ? { absent: message } : { error: message })
}
process.exit()

async function answer({ answers }: StartedSystem, { ask, parameters }: Question): Promise<SystemReply> {
  try {
    const known = answers?.[ask]
    if (known === undefined) throw new Error(`Expected a system that answers ${ask}, got ${module}`)
    return { answer: await known(parameters) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** Whoever asked may have gone meanwhile. */
function tell(reply: SystemReply): void {
  if (process.connected) process.send!(reply)
}
