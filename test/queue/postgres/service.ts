import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { createAfterwork, problems, type AddedTask, type TaskReference } from 'afterwork'
import type { Added, Asked, Request, Wishes } from './process.ts'
import { tasks } from './tasks.ts'

// A process that adds what it is told to and works on the queue, and tells what becomes of it.
const { threads = 2, ...options } = JSON.parse(process.argv[2]!) as Wishes
const afterwork = createAfterwork({
  tasks,
  logger: false,
  drain: 0,
  pools: {
    cpu: { minThreads: 1, maxThreads: threads, nice: 0 },
    mail: { minThreads: 0, nice: 0, concurrency: 10 },
  },
  ...options,
})
for (const event of [
  'task.started',
  'task.succeeded',
  'task.failed',
  'task.cancelled',
  'task.retried',
] as const)
  afterwork.on(event, ({ id, attempt }) => process.send!({ event, id, attempt }))
afterwork.on('afterwork.error', ({ error, during }) =>
  process.send!({ event: 'afterwork.error', during, message: error.message }),
)

const app = new Koa()
app.silent = true
app.use(problems())
app.use(afterwork.middleware())
app.use(async (ctx) => {
  const { add, commit, local } = JSON.parse(decodeURIComponent(ctx.querystring)) as Request
  const ids: string[] = []
  if (local !== undefined) ids.push(ctx.background.addLocal(callLocal, local).id)
  for (const added of add) ids.push(addTo<AddedTask>(ctx.background, added).id)
  if (commit === true) {
    await ctx.background.commit()
    process.send!({ event: 'committed', ids })
    // Its response never closes.
    await new Promise(() => {})
  }
  ctx.status = 202
  ctx.body = { ids }
})

process.on('message', (asked: Asked) => {
  void answer(asked).then(
    (answered) => process.send!({ answer: asked.number, answered }),
    (error: Error & { code?: string; status?: number }) => {
      const { message, code, status } = error
      process.send!({ answer: asked.number, error: { message, code, status } })
    },
  )
})
await afterwork.start()
const handle = app.callback()
const server = createServer((request, response) => void handle(request, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send!({ event: 'started', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })

async function answer(asked: Asked): Promise<unknown> {
  switch (asked.what) {
    case 'add':
      return (await addTo<Promise<AddedTask>>(afterwork, asked)).id
    case 'get':
      return (await afterwork.records.get(asked.id)) ?? null
    case 'counters':
      return await afterwork.records.counters()
    case 'cancel':
      return await afterwork.cancel(asked.id)
    case 'pause':
      return await afterwork.pausePool(asked.pool)
    case 'resume':
      return await afterwork.resumePool(asked.pool)
    case 'pools':
      return afterwork.pools()
    case 'block': {
      const until = performance.now() + asked.milliseconds
      while (performance.now() < until);
      return null
    }
    case 'stop':
      server.closeAllConnections()
      server.close()
      await afterwork.stop()
      // Once it has answered.
      setImmediate(() => process.disconnect())
  }
}

/** Asks at a gate, and stays there until it opens. */
async function callLocal(url: string): Promise<void> {
  await fetch(url)
}

/** The types of its arguments are not known here. */
function addTo<Result>(to: { addTask: unknown }, { name, args, options: of }: Added): Result {
  const reference: TaskReference = of === undefined ? tasks.lives[name] : tasks.lives[name].with(of)
  return (to as { addTask(task: TaskReference, ...rest: unknown[]): Result }).addTask(reference, ...args)
}
