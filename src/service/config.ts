import { availableParallelism } from 'node:os'
import { AfterworkError, badOption } from '../core/errors.ts'
import { nonEmptyString, oneOf } from '../core/check.ts'
import { isPostgres, queueUrl, withoutPassword } from '../core/queue-url.ts'
import {
  address,
  certificates,
  dkimOf,
  domain,
  mailRate,
  onOrOff,
  selector,
  smtpUrl,
  type MailRate,
} from './config-mail.ts'
import { readGiven, unread, type Given } from './config-sources.ts'
import { size, domains, duration, folder, mailbox, token, tokenFrom, whole, widths } from './config-values.ts'
import { webhookHosts } from './webhook-allow.ts'
import { webhookSecrets, webhookSecretsFrom } from './webhook-secret.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Each setting: its flag (none for secrets, which other users of the machine could read), its variable, its form. */
export const settings = {
  host: { flag: 'host', env: 'HOST', parse: nonEmptyString },
  port: { flag: 'port', env: 'PORT', parse: whole(0, 65_535) },
  data: { flag: 'data', env: 'AFTERWORK_DATA', parse: nonEmptyString },
  queue: { flag: 'queue', env: 'AFTERWORK_QUEUE', parse: queueUrl },
  work: {
    flag: 'no-work',
    env: 'AFTERWORK_NO_WORK',
    parse: (text: string) => text === 'true',
    negated: true as const,
  },
  poolMin: { flag: 'pool-min', env: 'AFTERWORK_POOL_MIN', parse: whole(0, 1_000) },
  poolMax: { flag: 'pool-max', env: 'AFTERWORK_POOL_MAX', parse: whole(1, 1_000) },
  mailConcurrency: { flag: 'mail-concurrency', env: 'AFTERWORK_MAIL_CONCURRENCY', parse: whole(1, 1_000) },
  maxQueued: { flag: 'max-queued', env: 'AFTERWORK_MAX_QUEUED', parse: whole(1, 1_000_000_000) },
  maxQueuedBytes: { flag: 'max-queued-bytes', env: 'AFTERWORK_MAX_QUEUED_BYTES', parse: size },
  maxUpload: { flag: 'max-upload', env: 'AFTERWORK_MAX_UPLOAD', parse: size },
  maxDisk: { flag: 'max-disk', env: 'AFTERWORK_MAX_DISK', parse: size },
  thumbnailWidths: { flag: 'thumbnail-widths', env: 'AFTERWORK_THUMBNAIL_WIDTHS', parse: widths },
  keepFiles: { flag: 'keep-files', env: 'AFTERWORK_KEEP_FILES', parse: duration },
  drain: { flag: 'drain', env: 'AFTERWORK_DRAIN', parse: duration },
  logLevel: { flag: 'log-level', env: 'LOG_LEVEL', parse: oneOf(logLevels) },
  mailFrom: { flag: 'mail-from', env: 'MAIL_FROM', parse: mailbox },
  mailAllow: { flag: 'mail-allow', env: 'MAIL_ALLOW', parse: domains },
  mailTemplates: { flag: 'mail-templates', env: 'MAIL_TEMPLATES', parse: folder },
  mailRedirect: { flag: 'mail-redirect', env: 'MAIL_REDIRECT', parse: address },
  mailRate: { flag: 'mail-rate', env: 'MAIL_RATE', parse: mailRate },
  mailSuppress: { flag: 'mail-suppress', env: 'MAIL_SUPPRESS', parse: onOrOff },
  dkimDomain: { flag: 'dkim-domain', env: 'DKIM_DOMAIN', parse: domain },
  dkimSelector: { flag: 'dkim-selector', env: 'DKIM_SELECTOR', parse: selector },
  dkimKeyFile: { flag: 'dkim-key-file', env: 'DKIM_KEY_FILE', parse: nonEmptyString },
  smtpUrl: { env: 'SMTP_URL', parse: smtpUrl },
  smtpTls: { flag: 'smtp-tls', env: 'SMTP_TLS', parse: oneOf(['required', 'opportunistic']) },
  smtpCa: { flag: 'smtp-ca', env: 'SMTP_CA', parse: certificates },
  webhookAllow: { flag: 'webhook-allow', env: 'WEBHOOK_ALLOW', parse: webhookHosts },
  webhookSecretFile: {
    flag: 'webhook-secret-file',
    env: 'AFTERWORK_WEBHOOK_SECRET_FILE',
    parse: webhookSecretsFrom,
  },
  webhookSecret: { env: 'AFTERWORK_WEBHOOK_SECRET', parse: webhookSecrets },
  tokenFile: { flag: 'token-file', env: 'AFTERWORK_TOKEN_FILE', parse: tokenFrom },
  token: { env: 'AFTERWORK_TOKEN', parse: token },
}

/** Keys that only `afterwork work` reads (config-worker.ts). */
export const workerKeys = ['tasks', 'pools', 'pool']

/** The service's configuration, complete and checked; durations are milliseconds, sizes bytes. */
export interface Config {
  host: string
  /** 0 for any free one. */
  port: number
  /** The folder of everything the service stores. */
  data: string
  /** URL of the queue; null for a file in the data folder. */
  queue: string | null
  /** Whether this process runs tasks, and does not only take requests. */
  work: boolean
  /** Threads of the pool `cpu`. */
  poolMin: number
  poolMax: number
  /** Mails sent at a time. */
  mailConcurrency: number
  /** Tasks that may wait or run. */
  maxQueued: number
  maxQueuedBytes: number
  /** Size of one uploaded file. */
  maxUpload: number
  /** What uploads and their thumbnails may take; null for no bound. */
  maxDisk: number | null
  /** Pixels; none for no thumbnails. */
  thumbnailWidths: readonly number[]
  keepFiles: number
  /** How long running tasks may go on after SIGTERM. */
  drain: number
  logLevel: (typeof logLevels)[number]
  mailFrom: string
  /** Domains that mail may go to, in lower case; null for all. */
  mailAllow: readonly string[] | null
  /** The folder of mail templates; null for `templates` in the data folder, which need not exist. */
  mailTemplates: string | null
  /** Where all mail goes instead; null for to whom it is addressed. */
  mailRedirect: string | null
  /** How many mails may leave in a time; null for as many as can. */
  mailRate: MailRate | null
  /** Whether an address that a server said does not exist gets no more mail. */
  mailSuppress: boolean
  /** What mail is signed with, where there is a key; the domain is that of the sender by default. */
  dkimDomain: string | null
  dkimSelector: string | null
  /** A PEM file. */
  dkimKeyFile: string | null
  /** Where mail goes; null for the outbox folder. */
  smtpUrl: string | null
  /** Whether a server on another machine must offer TLS; it always must where there is a password. */
  smtpTls: 'required' | 'opportunistic'
  /** A PEM file of certificates to trust beside those of Node.js. */
  smtpCa: string | null
  /** Where webhooks may go; none by default. */
  webhookAllow: readonly string[]
  /** What webhooks are signed with, each of them; none only where none may go out. */
  webhookSecret: readonly string[]
  /** What a client must show; null, on loopback only, for nothing. */
  token: string | null
}

const defaults = {
  host: '127.0.0.1',
  port: 3000,
  data: './data',
  queue: null,
  work: true,
  poolMin: 1,
  poolMax: availableParallelism(),
  mailConcurrency: 10,
  maxQueued: 100_000,
  maxQueuedBytes: 256 * 1024 ** 2,
  maxUpload: 200 * 1024 ** 2,
  maxDisk: null,
  thumbnailWidths: [160, 640, 1280],
  keepFiles: 24 * 3_600_000,
  drain: 10_000,
  logLevel: 'info' as const,
  mailFrom: 'afterwork@localhost',
  mailAllow: null,
  mailTemplates: null,
  mailRedirect: null,
  mailRate: null,
  mailSuppress: true,
  dkimDomain: null,
  dkimSelector: null,
  dkimKeyFile: null,
  smtpUrl: null,
  smtpTls: 'required' as const,
  smtpCa: null,
  webhookAllow: [],
  webhookSecret: [],
  token: null,
}

/**
 * Reads flags, then the environment, then `afterwork.config.json`, whose keys are the names of Config.
 * @throws AFTERWORK_BAD_OPTION with one line that names the flag, variable or key
 */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv, file?: string): Config {
  const config = complete(readGiven({ ...settings, ...unread(workerKeys) }, args, env, file))
  if (!config.work && !isShared(config)) {
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      `--no-work: tasks would wait for ever, for no other process can work on ${shownQueue(config)}; share a queue with --queue postgres://...`,
    )
  }
  if (config.token === null && !isLoopback(config.host)) {
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      `--host ${config.host} can be reached from other machines: set AFTERWORK_TOKEN or --token-file, or use 127.0.0.1`,
    )
  }
  return config
}

/** Whether other processes can work on its queue, too. */
export function isShared({ queue }: Pick<Config, 'queue'>): boolean {
  return queue !== null && isPostgres(queue)
}

/** The queue as logs and errors show it. */
export function shownQueue({ queue, data }: Pick<Config, 'queue' | 'data'>): string {
  return withoutPassword(queue ?? `sqlite:${data}/queue.db`)
}

/** What is given and the defaults, as far as they do not contradict each other; throws AFTERWORK_BAD_OPTION. */
export function complete({ tokenFile, webhookSecretFile, ...given }: Given<typeof settings>): Config {
  const config: Config = {
    ...defaults,
    ...given,
    ...(tokenFile === undefined ? {} : { token: tokenFile }),
    ...(webhookSecretFile === undefined ? {} : { webhookSecret: webhookSecretFile }),
  }
  config.poolMin = given.poolMin ?? Math.min(config.poolMin, config.poolMax)
  if (config.poolMin > config.poolMax) {
    throw badOption('--pool-min', `at most --pool-max, which is ${config.poolMax}`, config.poolMin)
  }
  if (config.webhookAllow.length > 0 && config.webhookSecret.length === 0) {
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      '--webhook-allow: webhooks are signed, so set AFTERWORK_WEBHOOK_SECRET or --webhook-secret-file, too',
    )
  }
  dkimOf(config)
  return config
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host)
}
