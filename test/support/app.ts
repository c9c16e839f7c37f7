import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { createAfterwork, problems, type Afterwork, type AfterworkOptions } from 'afterwork'
import type { Ending } from './endings.ts'
import { EventLog } from './events.ts'
import { temporaryFolder } from './folder.ts'
import { queueDatabases, type QueueDatabases } from './queue-database.ts'
import { tasks } from './tasks.ts'

/** A Koa app that listens, with its background tasks and all their events. */
export interface TestApp {
  url: string
  app: Koa
  server: Server
  afterwork: Afterwork
  events: EventLog
  /** What Koa reported as the app's errors. */
  errors: Error[]
}

/** AFTERWORK_TEST_QUEUE=sqlite or postgres runs the tests of the runtime on a durable queue. */
const durable = process.env['AFTERWORK_TEST_QUEUE']

/** Where the tests of this file have their queues, when that is in TEST_POSTGRES_URL's server. */
let databases: Promise<QueueDatabases> | undefined

async function queueUrl(ending: Ending): Promise<string> {
  if (durable === 'sqlite') return `sqlite:${await temporaryFolder(ending)}/queue.db`
  if (durable !== 'postgres') return quick.queue
  databases ??= queueDatabases({ teardown: () => {} })
  return await (await databases).create(ending)
}

/** Small pools, no log, no patience: what most tests want. */
export const quick = {
  tasks,
  queue: 'memory:',
  logger: false as const,
  drain: 0,
  pools: { cpu: { minThreads: 1, maxThreads: 2, nice: 0 }, mail: { minThreads: 0, nice: 0 } },
}

/** Background tasks of the tests' fixtures, started; stopped when the test ends. */
export async function startAfterwork(
  ending: Ending,
  options: Partial<AfterworkOptions> = {},
): Promise<{ afterwork: Afterwork; events: EventLog }> {
  const queue = await queueUrl(ending)
  const afterwork = createAfterwork({ ...quick, queue, ...options })
  const events = new EventLog(afterwork)
  ending.teardown(() => afterwork.stop())
  await afterwork.start()
  return { afterwork, events }
}

/** An app with the middleware for tasks and errors and then what `configure` adds; it ends with the test. */
export async function listen(
  ending: Ending,
  afterwork: Afterwork,
  configure: (app: Koa) => void,
): Promise<{ url: string; app: Koa; server: Server; errors: Error[] }> {
  const app = new Koa()
  const errors: Error[] = []
  app.on('error', (error: Error) => errors.push(error))
  app.use(problems())
  app.use(afterwork.middleware())
  configure(app)
  const handle = app.callback()
  const server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ending.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, app, server, errors }
}

/** Both at once, for a test that wants an app of its own. */
export async function startApp(
  ending: Ending,
  configure: (app: Koa, afterwork: Afterwork) => void,
  options: Partial<AfterworkOptions> = {},
): Promise<TestApp> {
  const { afterwork, events } = await startAfterwork(ending, options)
  const listening = await listen(ending, afterwork, (app) => configure(app, afterwork))
  return { ...listening, afterwork, events }
}
