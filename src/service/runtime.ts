import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { createAfterwork, type Afterwork } from '../afterwork.ts'
import type { PoolOptions } from '../core/pool.ts'
import type { Config } from './config.ts'
import { mailEnvironment, withoutMail } from './mail-environment.ts'
import { tasks } from './tasks.ts'

/** How a process has part in the work. */
export interface Part {
  /** The absolute path of the data folder. */
  data: string
  pools: Record<string, PoolOptions>
  /** Which of the pools it works on. */
  work: boolean | readonly string[]
  logger: Logger
}

/**
 * The runtime with the service's tasks. Who takes requests and who only works have the same one, or limits and bounds would
 * depend on where a task happens to be.
 */
export function createRuntime(config: Config, { data, pools, work, logger }: Part): Afterwork {
  return createAfterwork({
    tasks,
    queue: config.queue ?? `sqlite:${data}/queue.db`,
    pools,
    work,
    maxQueued: config.maxQueued,
    maxQueuedBytes: config.maxQueuedBytes,
    files: `${data}/files`,
    keepFiles: config.keepFiles,
    ...(config.maxDisk !== null && { maxDisk: config.maxDisk }),
    drain: config.drain,
    ...(config.mailRate !== null && { limits: { 'mail.sendEmail': { rateLimit: config.mailRate } } }),
    logger,
  })
}

/** The absolute path of the folder of templates, which may be missing. */
export function templatesOf({ data, mailTemplates }: Config): string {
  return resolve(mailTemplates ?? `${data}/templates`)
}

/**
 * Secrets reach only the threads that need them: mail threads the server's password, http threads what webhooks are
 * signed with, none the service's token or the password of the queue.
 */
export function poolsOf(config: Config, data: string) {
  const {
    AFTERWORK_TOKEN: _token,
    AFTERWORK_WEBHOOK_SECRET: _secret,
    AFTERWORK_QUEUE: _queue,
    PGPASSWORD: _password,
    ...rest
  } = withoutMail(process.env)
  const env = { ...rest, AFTERWORK_DATA: data }
  const mailEnv = {
    ...env,
    ...mailEnvironment(config),
    MAIL_TEMPLATES: templatesOf(config),
  }
  const httpEnv = {
    ...env,
    WEBHOOK_ALLOW: config.webhookAllow.join(),
    AFTERWORK_WEBHOOK_SECRET: config.webhookSecret.join(' '),
  }
  return {
    cpu: { minThreads: config.poolMin, maxThreads: config.poolMax, env },
    mail: { concurrency: config.mailConcurrency, env: mailEnv },
    http: { minThreads: 0, maxThreads: 1, concurrency: 20, env: httpEnv },
  }
}
