import type { CorpusFile } from './file.ts'

/** What the parent asks a subject to try. */
export interface Request {
  /** Copied into the folder of stored files under an id, as an upload is. */
  path: string
  /** What the client is supposed to have called it. */
  name: string
  /** Milliseconds. */
  timeout: number
  /** Whether it is processed a second time when it succeeded, which must not change the result. */
  again: boolean
}

/** What a subject saw while it processed one file; memory is bytes resident in the whole process. */
export interface Observation {
  /** The id under which the file was stored. */
  id: string
  /** The folder of stored files. */
  folder: string
  /** Bytes. */
  size: number
  /** Hexadecimal. */
  sha256: string
  state: 'succeeded' | 'failed' | 'cancelled'
  /** Of what it failed with. */
  error: { code: string | null; message: string; stack: string } | null
  /** As it was stored. */
  result: string | null
  /** Of the second run, where there was one. */
  resultAgain?: string | null
  /** Codes for which attempts were interrupted or made again: a thread was lost. */
  interruptions: string[]
  /** Errors of afterwork itself. */
  errors: string[]
  /** Milliseconds, of the first run. */
  duration: number
  /** After the start, before the first file. */
  idle: number
  before: number
  peak: number
  /** Open file descriptors afterwards; null where the system does not tell. */
  descriptors: number | null
  /** Names in the folder afterwards. */
  names: string[]
}

/** What is known of one file that was tried. */
export interface Trial {
  file: CorpusFile
  /** What the subject saw; null when it died or did not answer. */
  seen: Observation | null
  /** How the process of the subject ended, if it did while it worked on this file. */
  exit: string | null
  /** What it wrote to standard output and error. */
  printed: string
}
