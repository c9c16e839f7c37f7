import { toFailure, type Failure } from '../core/failure.ts'
import type { TaskRecord } from '../core/task.ts'
import { decodeValue } from '../core/value.ts'

/** What a task looks like over HTTP. */
export interface TaskDocument {
  id: string
  name: string
  state: TaskRecord['state']
  attempt: number
  progress: TaskRecord['progress']
  result: unknown
  error: Omit<Failure, 'stack'> | null
  addedAt: string
  startedAt: string | null
  endedAt: string | null
  links: { self: string }
}

/** A record as JSON; `prefix` is the path under which the routes are mounted. */
export function taskDocument(record: TaskRecord, prefix: string): TaskDocument {
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    attempt: record.attempt,
    progress: record.progress,
    result: record.result === null ? null : jsonResult(record.result),
    error: record.error === null ? null : withoutStack(record.error),
    addedAt: time(record.addedAt),
    startedAt: record.startedAt === null ? null : time(record.startedAt),
    endedAt: record.endedAt === null ? null : time(record.endedAt),
    links: { self: `${prefix}/tasks/${record.id}` },
  }
}

/** Stacks hold paths of the server: they stay in the log. */
function withoutStack({ stack: _stack, cause, ...failure }: Failure): Omit<Failure, 'stack'> {
  return cause === undefined ? failure : { ...failure, cause: withoutStack(cause) }
}

/** What JSON lacks is shown as text: dates by toJSON, big integers in decimal, bytes as base64. */
function jsonResult(text: string): unknown {
  try {
    return JSON.parse(
      JSON.stringify(decodeValue(text), (_key, value: unknown) => {
        if (typeof value === 'bigint') return value.toString()
        return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
      }),
    )
  } catch (error) {
    return { unreadable: toFailure(error).message }
  }
}

function time(at: number): string {
  return new Date(at).toISOString()
}
