import type { StoredFile } from 'afterwork'

/** What each system is told. */
export interface MailOptions {
  /** Where the sink listens on 127.0.0.1. */
  port: number
  /** An empty one, for all it writes. */
  folder: string
  /** Go out with every message. */
  attachments: readonly StoredFile[]
  /** What every message is signed with; null for none. */
  keyFile: string | null
  /** Of our pool `mail`. */
  threads: number
  /** Messages at a time: of each of our threads, or connections of a peer. */
  concurrency: number
}

/** What is sent. */
export interface SendParameters {
  mails: number
}

/** What sending took. */
export interface SendCost {
  /** Seconds of all threads of the process, until the sender knew that all were taken. */
  cpu: number
  /** p99 in milliseconds of how late its main loop was; null where there is none. */
  delay: number | null
}

/** Messages that the sink took since it started. */
export interface Taken {
  mails: number
  /** Those that began with a signature. */
  signed: number
  /** As they came, without the commands. */
  bytes: number
}

/** How the sink answers. */
export interface SinkOptions {
  /** Milliseconds until each of its replies. */
  latency: number
}

/** Who signs, by what name. */
export const signer = { domain: 'afterwork.test', selector: 'bench' }
