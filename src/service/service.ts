import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import Koa, { type Middleware } from 'koa'
import type { Logger } from 'pino'
import type { Afterwork } from '../afterwork.ts'
import { AfterworkError } from '../core/errors.ts'
import { problems } from '../koa/problem.ts'
import { TaskEvents } from '../koa/task-events.ts'
import { SuppressionList } from '../../workers/mail/suppression-list.ts'
import { tokenGuard } from './access.ts'
import type { Config } from './config.ts'
import { forgetSigning, prepareData } from './data-folder.ts'
import { checkDkim } from './dkim.ts'
import { fileRoutes } from './files.ts'
import { health } from './health.ts'
import { mailRoutes } from './mail.ts'
import { notificationRoutes } from './notifications.ts'
import { outboxRoutes } from './outbox.ts'
import { OutboxReader } from './outbox/reader.ts'
import { page } from './page.ts'
import { PausedPools } from './paused.ts'
import { reportRoutes } from './reports.ts'
import { createRuntime, poolsOf, templatesOf } from './runtime.ts'
import { sameSite } from './same-site.ts'
import { webhooks } from './webhooks.ts'

/** What the requests and the end of the service know of each other. */
interface State {
  stopping: boolean
  /** Answers that go on for as long as their tasks. */
  streams: Set<Readable>
  paused: PausedPools
  /** Null where mail leaves by SMTP. */
  outbox: OutboxReader | null
}

/** A running service. */
export interface Service {
  /** Where it listens, such as http://127.0.0.1:3000. */
  url: string
  afterwork: Afterwork
  /** Takes no more requests, lets what runs go on for at most the configured drain, then ends. */
  stop(): Promise<void>
}

/**
 * Starts the ready-made service: queue, threads, then HTTP.
 * @throws AFTERWORK_TASKS_FILE, AFTERWORK_BAD_OPTION, or the system's error for the port or the data folder
 */
export async function startService(config: Config, logger: Logger): Promise<Service> {
  const data = prepareData(config.data)
  await checkDkim(config, logger)
  const pools = poolsOf(config, data)
  const afterwork = createRuntime(config, { data, pools, work: config.work, logger })
  const state: State = {
    stopping: false,
    streams: new Set(),
    paused: new PausedPools(afterwork, data, config.work ? Object.keys(pools) : []),
    outbox: config.smtpUrl === null ? new OutboxReader(`${data}/outbox`) : null,
  }
  const metrics = await afterwork.metrics()
  const handle = createApp(config, afterwork, metrics, logger, state).callback()
  const server = createServer((request, response) => void handle(request, response))
  try {
    await afterwork.start()
    forgetSigning(data)
    await listen(server, config)
  } catch (error) {
    // Should that fail, too, why it did not start is what matters.
    await afterwork.stop().catch(() => {})
    throw error
  }
  // Not waited for: what ran at a crash runs first, and may take its time.
  state.paused
    .resume()
    .catch((error: unknown) => logger.error({ err: error }, 'a paused pool could not be resumed'))
  return {
    url: urlOf(server, config.host),
    afterwork,
    async stop() {
      state.stopping = true
      // Who watches a task would keep its connection open for as long as the task lasts.
      for (const stream of state.streams) stream.destroy()
      await closeServer(server, config.drain)
      await state.outbox?.close()
      await afterwork.stop()
    },
  }
}

function createApp(
  config: Config,
  afterwork: Afterwork,
  metrics: Middleware,
  logger: Logger,
  state: State,
): Koa {
  const app = new Koa()
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') logger.error({ err: error }, 'request failed')
  })
  app.use(async function lastOfItsConnection(ctx, next) {
    await next()
    // A connection that stays open brings new requests, and holds up the end until it was idle for long.
    if (state.stopping) ctx.set('Connection', 'close')
    if (ctx.body instanceof TaskEvents) keep(state.streams, ctx.body)
  })
  app.use(problems())
  app.use(async function nosniff(ctx, next) {
    ctx.set('X-Content-Type-Options', 'nosniff')
    await next()
  })
  app.use(
    health(
      () => !state.stopping,
      () => state.paused.list,
    ),
  )
  app.use(sameSite())
  if (config.token !== null) app.use(tokenGuard(config.token))
  app.use(metrics)
  app.use(afterwork.middleware())
  // There is one token: whoever has it shares the keys, by header or cookie.
  app.use(afterwork.idempotency({ scope: () => '' }))
  // Once more, so that a refusal is an answer to keep.
  app.use(problems())
  app.use(webhooks(config.webhookAllow))
  app.use(page())
  app.use(afterwork.routes())
  app.use(fileRoutes(afterwork, config.maxUpload, config.thumbnailWidths))
  // What is redirected says nothing of whom it was for.
  const suppresses = config.mailSuppress && config.mailRedirect === null
  const suppressed = suppresses ? new SuppressionList(resolve(config.data)) : null
  const allowed = config.mailAllow
  app.use(mailRoutes(afterwork, { allowed, suppressed, templates: templatesOf(config) }))
  app.use(reportRoutes(afterwork, { allowed, suppressed }))
  app.use(notificationRoutes())
  app.use(outboxRoutes(state.outbox))
  return app
}

function keep(streams: Set<Readable>, stream: Readable): void {
  streams.add(stream)
  stream.once('close', () => streams.delete(stream))
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is taken' : cause.message
      reject(
        new AfterworkError('AFTERWORK_BAD_OPTION', `Cannot listen on ${host}:${port}: ${why}`, { cause }),
      )
    })
    server.listen(port, host, resolve)
  })
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Requests that are being handled end first; those that take longer than `grace` milliseconds are cut. */
async function closeServer(server: Server, grace: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  const timer = setTimeout(() => server.closeAllConnections(), grace)
  await closed
  clearTimeout(timer)
}
