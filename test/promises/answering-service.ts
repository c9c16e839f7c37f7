import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAfterwork } from 'afterwork'
import Koa from 'koa'
import { tasks } from '../support/tasks.ts'

// A service as a process of its own, which says when it has committed, and then, where it is told to, never answers.
const [queue, how] = process.argv.slice(2)
const afterwork = createAfterwork({ tasks, queue: `sqlite:${queue}`, logger: false })
const app = new Koa()
app.use(async (_, next) => {
  await next()
  process.send!({ event: 'committed' })
  if (how === 'silent') await new Promise(() => {})
})
app.use(afterwork.middleware())
app.use(afterwork.idempotency())
app.use((ctx) => {
  process.send!({ event: 'handled' })
  ctx.status = 202
  ctx.body = ctx.background.addTask(tasks.steps.echo, 'once').id
})
await afterwork.start()
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
process.on('message', () => void list())
process.send!({ event: 'listening', url })

async function list(): Promise<void> {
  process.send!({ event: 'tasks', tasks: await afterwork.records.list({ limit: 10 }) })
}
