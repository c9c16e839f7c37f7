/**
 * Shows in half a minute what afterwork is for: npm run demo, or npm run demo -- photo.jpg
 * Starts the service with a folder of its own, sends it a file, a mail and a notification, watches the tasks, and
 * leaves nothing behind.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { styleText } from 'node:util'
import type { TaskDocument } from 'afterwork'
import type { Sent } from '../workers/mail.ts'
import type { ProcessedFile } from '../workers/files.ts'
import { Board } from './demo/board.ts'
import { Client, type Answer } from './demo/client.ts'
import { makePhoto } from './demo/photo.ts'
import { serviceReady, spawnService, stopService, type RunningService } from './demo/service.ts'
import { duration, size } from './demo/text.ts'

/** The whole demo may take this long, in milliseconds. */
const limit = 60_000

/** Aborted, with the reason as an Error, by whatever ends the demo early. */
const stop = new AbortController()

try {
  const end = (reason: string) => () => stop.abort(new Error(reason))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, end(`ended by ${signal}`))
  setTimeout(end(`not done after ${duration(limit)}`), limit).unref()
  await demo(process.argv.slice(2))
} catch (error) {
  console.error(`demo: ${reasonOf(stop.signal.aborted ? stop.signal.reason : error)}`)
  process.exitCode = 1
}

async function demo(paths: string[]): Promise<void> {
  const given = await readGiven(paths)
  console.log(styleText('bold', 'afterwork: the answer comes at once, the work is done after it\n'))
  const file = given ?? (await makePhoto())
  stop.signal.throwIfAborted()

  const folder = await mkdtemp(join(tmpdir(), 'afterwork-demo-'))
  try {
    const child = spawnService(folder, (reason) => stop.abort(reason))
    try {
      await showAll(await serviceReady(child, stop.signal), folder, file)
    } finally {
      await stopService(child)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  console.log('\nThe service is stopped and its folder removed. `npm start` runs one that stays.')
}

/** The file named on the command line, if there is one. */
async function readGiven([path, ...more]: string[]): Promise<File | undefined> {
  if (path === undefined) return undefined
  if (more.length > 0) throw new Error(`Expected at most one file, got ${more.length + 1}`)
  // npm runs scripts in the project's folder, and tells in which one it was called.
  const content = await readFile(resolve(process.env['INIT_CWD'] ?? '.', path)).catch((cause: unknown) => {
    throw new Error(`${path} cannot be read`, { cause })
  })
  return new File([content], basename(path))
}

async function showAll(service: RunningService, folder: string, file: File): Promise<void> {
  const client = new Client(service.url, stop.signal)
  await client.ready()
  await service.loopDelay()
  console.log(`The service listens on ${service.url}`)

  heading('Requests, and how soon they were answered')
  const answers = await sendAll(client, file)

  heading('Tasks, on other threads')
  const board = new Board(process.stdout)
  const hrefs = answers.flatMap(({ tasks }) => tasks.map(({ href }) => href))
  const tasks = await client.follow(hrefs, (seen) => board.show(seen))
  const delay = await service.loopDelay()
  for (const { name, state, error } of tasks) {
    if (state !== 'succeeded')
      throw new Error(`${name} ${state}: ${error?.code ?? ''} ${error?.message ?? ''}`)
  }

  heading('Measured')
  console.log(`  slowest answer       ${duration(Math.max(...answers.map(({ took }) => took)))}`)
  console.log(`  all the work         ${duration(span(tasks))}`)
  console.log(
    `  event-loop delay     ${duration(delay)} at most, in the service; waiting for a free core counts too`,
  )

  heading('Results')
  const [processed, mail] = tasks as [TaskDocument, TaskDocument]
  await showFile(client, service.url, processed.result as ProcessedFile)
  await showMail(`${folder}/data`, mail.result as Sent)
  await showNotifications(`${folder}/data/notifications.log`)
}

async function sendAll(client: Client, file: File): Promise<Answer[]> {
  const upload = new FormData()
  upload.append('file', file)
  const mail = new URLSearchParams({
    to: 'ada@example.com',
    subject: 'Your photo has arrived',
    text: 'Thumbnails of it are on their way.',
  })
  const notification = new URLSearchParams({ q: 'photos', message: 'your photo has arrived' })

  const answers = []
  for (const [path, body, what] of [
    ['/upload-file', upload, `${file.name}, ${size(file.size)}`],
    ['/send-email', mail, 'to ada@example.com'],
    [`/send-notification/ada@example.com?${notification.toString()}`, null, 'two tasks, one after the other'],
  ] as const) {
    const answer = await client.post(path, body)
    const took = styleText('green', duration(answer.took).padStart(7))
    console.log(`  ${answer.request.padEnd(40)} ${answer.status} ${took}  ${styleText('dim', what)}`)
    answers.push(answer)
  }
  return answers
}

async function showFile(
  client: Client,
  url: string,
  { id, name, image, kind, variants, sha256 }: ProcessedFile,
) {
  if (image === undefined) {
    console.log(`  ${name} is no picture (${kind?.mime ?? 'no known signature'}); its sha-256 is ${sha256}`)
    return
  }
  console.log(`  thumbnails of ${name}, ${image.width} x ${image.height} pixels`)
  for (const { name: variant, width, height } of variants) {
    const path = `/files/${id}/${variant}`
    const bytes = size(await client.sizeOf(path))
    console.log(`    ${url}${path}  ${width} x ${height}, ${bytes}`)
  }
}

async function showMail(data: string, { to, response }: Sent): Promise<void> {
  const path = join(data, response)
  console.log(
    `  mail to ${to}, kept in a file because no SMTP_URL is set\n    ${path}  ${size((await stat(path)).size)}`,
  )
}

async function showNotifications(path: string): Promise<void> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  console.log(`  notifications, in the order in which they were added\n    ${path}`)
  for (const line of lines) console.log(`      ${line}`)
}

/** From the first start to the last end, in milliseconds. */
function span(tasks: TaskDocument[]): number {
  const starts = tasks.map(({ startedAt }) => Date.parse(startedAt!))
  const ends = tasks.map(({ endedAt }) => Date.parse(endedAt!))
  return Math.max(...ends) - Math.min(...starts)
}

function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

/** One line, with what is behind a failed fetch, which itself says nothing. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return (cause instanceof Error ? `${message}: ${cause.message}` : message).replace(/\s+/g, ' ').trim()
}
