import { SqliteQueue } from '../../../src/queue/sqlite/engine.ts'

// A process that opens the queue of a file whenever it is told to, closes it when it is told to, and says how that went.
const file = process.argv[2]!
let queue: SqliteQueue | undefined
process.on('message', (asked) => void (asked === 'open' ? open() : close()))
process.send!('ready')

async function open(): Promise<void> {
  const opening = new SqliteQueue(file, { maxTasks: 10, maxBytes: 1_000 }, { tasks: 10 })
  try {
    await opening.open()
    queue = opening
    process.send!('opened')
  } catch (error) {
    const { code, message } = error as Error & { code: string }
    process.send!({ code, message })
  }
}

async function close(): Promise<void> {
  await queue?.close()
  queue = undefined
  process.send!('closed')
}
