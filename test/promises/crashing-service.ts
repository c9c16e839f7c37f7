import { createAfterwork, type TaskReference } from 'afterwork'
import { tasks } from './crash-tasks.ts'

// A small service as a process of its own: it adds what it is told to, and tells what becomes of it.
type Asked = { add: keyof typeof tasks.crashes; args: unknown[] } | { get: string }

const afterwork = createAfterwork({
  tasks,
  queue: `sqlite:${process.argv[2]}`,
  logger: false,
  pools: { cpu: { minThreads: 1, maxThreads: 2, nice: 0 }, mail: { minThreads: 0, nice: 0 } },
})
for (const event of ['task.started', 'task.succeeded', 'task.failed'] as const)
  afterwork.on(event, ({ id }) => process.send!({ event, id }))

process.on('message', (asked: Asked) => void answer(asked))
await afterwork.start()
process.send!({ event: 'started' })

async function answer(asked: Asked): Promise<void> {
  if ('get' in asked) return void process.send!({ record: (await afterwork.records.get(asked.get)) ?? null })
  const add = afterwork.addTask as (task: TaskReference, ...args: unknown[]) => Promise<{ id: string }>
  const { id } = await add(tasks.crashes[asked.add] as TaskReference, ...asked.args)
  process.send!({ added: id })
}
