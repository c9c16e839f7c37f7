import type { LogLevel } from '../core/events.ts'
import type { Failure } from '../core/failure.ts'
import type { NewTask, Progress } from '../core/task.ts'
import type { Steering } from '../core/task-error.ts'

/** What can be queued: known once the probe has loaded every module. */
export interface Catalog {
  /** URL of the file that calls defineTasks(). */
  tasks: string
  names: ReadonlySet<string>
  pools: ReadonlySet<string>
  /** Whether a module exports `teardown`. */
  teardown: boolean
}

/** How long `teardown` of a module may take, in milliseconds. */
export const teardownTime = 2_000

/** What a worker thread is started with. */
export interface ThreadData {
  /** Name of the pool. */
  pool: string
  catalog: Catalog
  /** Name of the BroadcastChannel on which the pool speaks to its threads. */
  control: string
  /** Memory of the board on which the thread writes down what it begins. */
  board: SharedArrayBuffer
}

/** One attempt on its way into a thread; arguments stay the text that addTask made of them. */
export interface Envelope {
  /** Where on the board its start is written down. */
  row: number
  id: string
  attempt: number
  name: string
  args: string
}

/** Envelopes end to end: a flat array is cloned in a fraction of the time that objects take. */
export type Work = (string | number)[]

/** How many places of the work one envelope takes. */
export const envelopeLength = 5

export function pack(work: Work, row: number, { id, attempt, name, args }: Omit<Envelope, 'row'>): void {
  work.push(row, id, attempt, name, args)
}

/** The envelope that begins at a place of the work. */
export function unpack(work: Work, at: number): Envelope {
  return {
    row: work[at] as number,
    id: work[at + 1] as string,
    attempt: work[at + 2] as number,
    name: work[at + 3] as string,
    args: work[at + 4] as string,
  }
}

/** How an attempt went: never a raw result or error, which the clone on the way would bend. */
export type End =
  { ok: true; result: string | undefined } | { ok: false; failure: Failure; steering: Steering }

/** What comes back. Of an attempt that succeeded and has nothing more to tell it is the result alone. */
export type Reply =
  | string
  | undefined
  | (End & {
      followUps?: NewTask[]
      /** So many messages, which come by another port and which the reply may have overtaken. */
      said: number
    })

/** The replies to all envelopes of one message, in their order; undefined when every one of them is. */
export type Replies = Reply[] | undefined

/** What there is to say of an attempt while it runs. */
export type AttemptNews =
  | { type: 'progress'; progress: Progress }
  | { type: 'log'; level: LogLevel; message: string; fields: Record<string, unknown> }
  /** It is about to end its thread: it called process.exit(), or nothing caught what it threw. */
  | { type: 'ending'; failure: Failure }

/** What a thread says of an attempt. */
export type AttemptMessage = Pick<Envelope, 'row' | 'id' | 'attempt'> & AttemptNews

/** What a thread says of itself. */
export type ThreadMessage =
  /** Something went wrong that no running attempt did; `fatal` when the thread ends with it, whose doing it is then. */
  | { type: 'stray'; thread: number; failure: Failure; fatal: false | 'unknown' | 'of an ended task' }
  /** It hears what the pool says. */
  | { type: 'ready'; thread: number }
  /** It has collected its garbage. */
  | { type: 'collected'; thread: number }
  | { type: 'torn-down'; thread: number }

export type Message = AttemptMessage | ThreadMessage

/** What a pool says to its threads. */
export type Control =
  /** A running attempt should stop: its signal is aborted with this as the reason. */
  | { type: 'stop'; id: string; attempt: number; failure: Failure }
  /** The thread holds more than it may, which may be garbage. */
  | { type: 'collect'; thread: number }
  /** The thread will be ended: the modules it has loaded may say goodbye. */
  | { type: 'teardown' }
