import { generateKeyPairSync } from 'node:crypto'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork'
import type { Benchmark, System, Trial } from './harness/benchmark.ts'
import { syncFolder } from './harness/storage.ts'
import { writeBytes } from './files/bytes-sample.ts'
import type { MailOptions, SendCost, SendParameters, SinkOptions, Taken } from './mail/protocol.ts'

/** Messages of each case, the share of them that is sent before it counts, and the bytes of an attachment. */
export interface MailSize {
  mails: Record<Case, number>
  warmUp: number
  bytes: number
}

type Case = 'files' | 'text' | 'text at 20 ms'

type MailMeasure = Case | 'loop p99' | 'CPU, files' | 'CPU, text'

/** A system, how it is set up, and the cases that it can do. */
interface Sender extends System {
  threads: number
  concurrency: number
  cases: readonly Case[]
}

/** What one case came to. */
interface Sending {
  /** Messages a second, from the first one that is handed over until the sink has the last. */
  rate: number
  /** Milliseconds of all threads, a message. */
  cpu: number
  /** p99 in milliseconds. */
  delay: number
}

const latencies: Record<Case, number> = { files: 0, text: 0, 'text at 20 ms': 20 }
const all: readonly Case[] = ['files', 'text', 'text at 20 ms']
/** It cannot sign. */
const ofPython: readonly Case[] = ['text', 'text at 20 ms']

const afterwork = import.meta.resolve('./mail/afterwork.ts')
const nodemailer = import.meta.resolve('./mail/nodemailer.ts')
const smtplib = import.meta.resolve('./mail/smtplib.ts')
const sink = import.meta.resolve('./mail/sink.ts')

const senders: readonly Sender[] = [
  { name: 'afterwork, 1 thread', module: afterwork, threads: 1, concurrency: 10, cases: all },
  { name: 'afterwork, 2 threads', module: afterwork, threads: 2, concurrency: 10, cases: all },
  { name: 'nodemailer', module: nodemailer, threads: 1, concurrency: 10, cases: all },
  { name: 'smtplib, 1', module: smtplib, threads: 1, concurrency: 1, cases: ['text'] },
  { name: 'smtplib, 10', module: smtplib, threads: 10, concurrency: 10, cases: ofPython },
]

/** As the store names its files: any ids will do. */
const fileIds = ['a', 'b', 'c'].map((last) => `01900000-0000-7000-8000-00000000000${last}`)
const nothing: Sending = { rate: NaN, cpu: NaN, delay: NaN }

/** How fast mail leaves, and what the main loop notices of it. */
export const mail: Benchmark<MailSize, MailMeasure> = {
  name: 'mail',
  description:
    "messages with three attachments and DKIM, plain text, and text to a server that takes 20 ms for a reply: the service's mail task against nodemailer's pool on the main loop, and Python's smtplib",
  systems: senders,
  columns: [
    { measure: 'files', unit: '/s', digits: 1 },
    { measure: 'text', unit: '/s' },
    { measure: 'text at 20 ms', unit: '/s' },
    { measure: 'loop p99', unit: 'ms', digits: 1 },
    { measure: 'CPU, files', unit: 'ms', digits: 1 },
    { measure: 'CPU, text', unit: 'ms', digits: 2 },
  ],
  sizes: {
    full: { mails: { files: 200, text: 4_000, 'text at 20 ms': 600 }, warmUp: 0.25, bytes: 1024 ** 2 },
    quick: { mails: { files: 40, text: 600, 'text at 20 ms': 120 }, warmUp: 0.25, bytes: 1024 ** 2 },
  },
  durable: true,

  async prepare({ size, folder }) {
    for (const id of fileIds) await writeBytes(join(folder, id), size.bytes)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    await writeFile(join(folder, 'dkim.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await syncFolder(folder)
  },

  async measure(trial) {
    const files = await sendAll(trial, 'files')
    const text = await sendAll(trial, 'text')
    const slow = await sendAll(trial, 'text at 20 ms')
    return {
      files: files.rate,
      text: text.rate,
      'text at 20 ms': slow.rate,
      'loop p99': files.delay,
      'CPU, files': files.cpu,
      'CPU, text': text.cpu,
    }
  },

  ratios: (of) => ({
    'files, afterwork / nodemailer, 1 thread': of('afterwork, 1 thread', 'files') / of('nodemailer', 'files'),
    'files, afterwork / nodemailer, 2 threads':
      of('afterwork, 2 threads', 'files') / of('nodemailer', 'files'),
    'loop p99, afterwork / nodemailer': of('afterwork, 1 thread', 'loop p99') / of('nodemailer', 'loop p99'),
    'text, afterwork / nodemailer': of('afterwork, 1 thread', 'text') / of('nodemailer', 'text'),
    'text at 20 ms, afterwork / nodemailer':
      of('afterwork, 1 thread', 'text at 20 ms') / of('nodemailer', 'text at 20 ms'),
    'CPU, files, afterwork / nodemailer':
      of('afterwork, 1 thread', 'CPU, files') / of('nodemailer', 'CPU, files'),
    'CPU, text, afterwork / nodemailer':
      of('afterwork, 1 thread', 'CPU, text') / of('nodemailer', 'CPU, text'),
    'text, afterwork / smtplib, 1': of('afterwork, 1 thread', 'text') / of('smtplib, 1', 'text'),
    'text, afterwork / smtplib, 10': of('afterwork, 1 thread', 'text') / of('smtplib, 10', 'text'),
    'text at 20 ms, afterwork / smtplib, 10':
      of('afterwork, 1 thread', 'text at 20 ms') / of('smtplib, 10', 'text at 20 ms'),
  }),
  floors: {
    'files, afterwork / nodemailer, 1 thread': { atLeast: 0.9 },
    'files, afterwork / nodemailer, 2 threads': { atLeast: 1.2 },
    'loop p99, afterwork / nodemailer': { atMost: 0.2 },
    'text, afterwork / nodemailer': { atLeast: 0.9 },
    'text at 20 ms, afterwork / nodemailer': { atLeast: 0.9 },
  },
}

/** Sends the messages of one case, from a process of its own to a sink of its own. */
async function sendAll(trial: Trial<MailSize>, what: Case): Promise<Sending> {
  const { system, size, start, help } = trial
  const { threads, concurrency, cases } = senders.find(({ name }) => name === system.name)!
  if (!cases.includes(what)) return nothing
  const receiver = await help({ module: sink }, { latency: latencies[what] } satisfies SinkOptions)
  const sender = await start({
    port: Number(new URL(receiver.url).port),
    ...(await belongings(trial, what)),
    threads,
    concurrency,
  } satisfies MailOptions)
  const mails = size.mails[what]
  const warmUp = Math.ceil(mails * size.warmUp)
  await sender.ask('send', { mails: warmUp } satisfies SendParameters)

  const startedAt = performance.now()
  const [{ cpu, delay }, seconds] = await Promise.all([
    sender.ask<SendCost>('send', { mails } satisfies SendParameters),
    receiver.ask<Taken>('untilTaken', { mails: warmUp + mails }).then((taken) => {
      expectAll(taken, { mails: warmUp + mails, signed: what === 'files' })
      return (performance.now() - startedAt) / 1_000
    }),
  ])
  // The next case has the cores for itself.
  await Promise.all([sender.stop(), receiver.stop()])
  return { rate: mails / seconds, cpu: (cpu * 1_000) / mails, delay: delay ?? NaN }
}

/** A folder for the case, with the files and the key that its messages need. */
async function belongings({ folder: parent, prepared, size }: Trial<MailSize>, what: Case) {
  const folder = join(parent, what)
  await mkdir(join(folder, 'files'), { recursive: true })
  if (what !== 'files') return { folder, attachments: [], keyFile: null }
  const attachments: StoredFile[] = []
  for (const id of fileIds) {
    const path = join(folder, 'files', id)
    await link(join(prepared, id), path)
    const name = `part-${attachments.length + 1}.bin`
    attachments.push({ id, name, type: 'application/octet-stream', size: size.bytes, path })
  }
  return { folder, attachments, keyFile: join(prepared, 'dkim.pem') }
}

/** A message that is sent twice, or without the signature that it should have, would be cheaper or dearer. */
function expectAll(taken: Taken, { mails, signed }: { mails: number; signed: boolean }): void {
  if (taken.mails !== mails) throw new Error(`Expected ${mails} messages, got ${taken.mails}`)
  const expected = signed ? mails : 0
  if (taken.signed !== expected)
    throw new Error(`Expected ${expected} messages with a signature, got ${taken.signed}`)
}
