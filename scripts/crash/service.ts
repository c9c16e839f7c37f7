/**
 * The service that is killed: the ready-made one's tasks and more, added over HTTP. A process of its own, started by
 * the harness, which says by environment variables where everything is.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { createAfterwork, Problem, problems, type StoredFile } from 'afterwork'
import { upload } from 'afterwork/upload'
import Koa, { type Context } from 'koa'
import { pino } from 'pino'
import type { AskedTask } from './asked.ts'
import './orphan.ts'
import { tasks } from './tasks.ts'

const {
  AFTERWORK_DATA: data,
  AFTERWORK_QUEUE: queue,
  CRASH_ROLE: role,
} = process.env as Record<string, string>

const afterwork = createAfterwork({
  tasks,
  queue: queue!,
  files: `${data}/files`,
  keepUnnamed: Number(process.env['CRASH_KEEP_UNNAMED']),
  // Low enough that the load reaches it now and then.
  maxQueued: 500,
  // More at a time than one, or nothing could get out of order.
  pools: { cpu: { maxThreads: 2, concurrency: 2 } },
  work: role === 'serve',
  logger: pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true })),
})
const app = new Koa()
app.use(problems())
app.use(afterwork.middleware())
app.use(afterwork.routes())
app.use(bodyParser({ enableTypes: ['json'] }) as unknown as Koa.Middleware)

const router = new Router()

router.post('/tasks', (ctx) => {
  const { asked, refuse } = ctx.request.body as { asked: AskedTask[]; refuse: boolean }
  const added = asked.map((task) => add(ctx as unknown as Context, task))
  ctx.body = { ids: added.map(({ id }) => id) }
  ctx.status = refuse ? 422 : 202
})

router.post('/upload-file', upload({ afterwork }).array('file'), (ctx) => {
  const markers = String(ctx.query['markers']).split(',')
  const process = tasks.files.process.with({ ordered: false })
  const added = (ctx.files as StoredFile[]).map((file, index) =>
    ctx.background.addTask(process, { marker: markers[index]!, ms: 0 }, file),
  )
  ctx.body = { ids: added.map(({ id }) => id) }
  ctx.status = 202
})

router.get(['/files/:id', '/files/:id/:variant'], async (ctx) => {
  const { id, variant } = ctx.params as { id: string; variant?: string }
  const opened = await afterwork.files.open(id, variant)
  if (opened === undefined) throw new Problem(404, 'FILE_NOT_FOUND', 'There is no such file')
  ctx.length = opened.size
  ctx.body = opened.stream
})

app.use(router.routes() as unknown as Koa.Middleware)

function add({ background }: Context, { kind, marker, ms, ordered, delay, unique, to }: AskedTask) {
  const note = { marker, ms }
  const options = { ordered, delay, ...(unique === null ? {} : { unique }) }
  switch (kind) {
    case 'mail': {
      const message = { to: to!, subject: marker, text: `This is ${marker}.`, date: new Date() }
      return background.addTask(tasks.mail.send.with(options), note, message)
    }
    case 'watched':
      return background.addTask(tasks.notes.append.with({ ...options, onEnded: tasks.notes.onEnded }), note)
    case 'file':
      throw new Error('a file comes by /upload-file')
    default:
      return background.addTask(tasks.notes[kind].with(options), note)
  }
}

await afterwork.start()
const handle = app.callback()
const server = createServer((request, response) => void handle(request, response))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)

process.once('SIGTERM', () => {
  server.close(() => void afterwork.stop().then(() => process.exit()))
  server.closeAllConnections()
})
