import type { LogLevel } from '../core/events.ts'
import type { Failure } from '../core/failure.ts'
import type { Progress } from '../core/task.ts'

/** What a worker thread is started with. */
export interface ThreadData {
  /** URL of the file that calls defineTasks(). */
  tasks: string
  /** Name of the BroadcastChannel on which the pool asks running tasks to stop. */
  control: string
}

/** One attempt on its way into a thread; arguments stay the text that addTask made of them. */
export interface Envelope {
  id: string
  attempt: number
  name: string
  args: string
}

/** What comes back: never a raw result or error, which the clone on the way would bend. */
export type AttemptReply =
  | { ok: true; result: string | undefined }
  | { ok: false; failure: Failure; retry: false | number | undefined }

/** It may overtake what the attempt `said`, so many messages, which come by another port. */
export type Reply = AttemptReply & { said: number }

/** What a thread says while an attempt runs; `at` is milliseconds since 1970. */
export type Message = { id: string; attempt: number } & (
  | { type: 'started'; thread: number; at: number }
  | { type: 'progress'; progress: Progress }
  | { type: 'log'; level: LogLevel; message: string; fields: Record<string, unknown> }
)

/** Asks a running attempt to stop: its signal is aborted with this as the reason. */
export interface StopRequest {
  id: string
  attempt: number
  failure: Failure
}

/** Names one attempt among all. */
export function attemptKey({ id, attempt }: { id: string; attempt: number }): string {
  return `${id}/${attempt}`
}
