import { PostgresQueue } from '../../../src/queue/postgres/engine.ts'
import { newTask } from '../conformance/subject.ts'

// Opens the queue at a URL, adds a task, and closes it; says how that went. It ends by itself.
const queue = new PostgresQueue(process.argv[2]!, { maxTasks: 100, maxBytes: 1_000 }, { tasks: 100 })
try {
  await queue.open({ names: new Set(), pools: [], files: false })
  await queue.add([newTask()], { held: false })
  await queue.close()
  process.stdout.write('added')
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  process.stdout.write(`${code}: ${message}`)
  process.exitCode = 1
}
