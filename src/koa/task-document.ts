import type { AttemptRecord, AttemptState } from '../core/attempt.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { TaskRecord } from '../core/task.ts'
import { redact } from '../core/redact.ts'
import { decodeArguments, decodeValue } from '../core/value.ts'

/** Characters of encoded arguments; longer ones are not shown. */
const maxArguments = 65_536
/** Characters of an encoded result in a list, and where one task is asked for: parsing more would hold up the loop. */
const maxListed = 16_384
const maxShown = 1_048_576

/** Attempts that are shown, the last ones. */
const maxAttempts = 50

/** An attempt that did not end well, as it is shown. */
export interface AttemptDocument {
  /** Its number, from 1. */
  attempt: number
  state: AttemptState
  startedAt: string | null
  endedAt: string
  process: AttemptRecord['process']
  error: AttemptRecord['error']
}

/** What a task looks like over HTTP. */
export interface TaskDocument {
  id: string
  name: string
  state: TaskRecord['state']
  attempt: number
  progress: TaskRecord['progress']
  /** Only where one task is asked for; secrets are hidden. */
  arguments?: unknown
  result: unknown
  error: Omit<Failure, 'stack'> | null
  /** Only where one task is asked for, and some of its attempts that did not end well are known, oldest first. */
  attempts?: AttemptDocument[]
  addedAt: string
  startedAt: string | null
  endedAt: string | null
  links: { self: string }
}

/** A record as JSON; `prefix` is the path under which the routes are mounted. A result that is long is left out. */
export function taskDocument(record: TaskRecord, prefix: string, maxResult = maxListed): TaskDocument {
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    attempt: record.attempt,
    progress: record.progress,
    result: record.result === null || record.result.length > maxResult ? null : resultOf(record.result),
    error: record.error === null ? null : withoutStack(record.error),
    addedAt: time(record.addedAt),
    startedAt: record.startedAt === null ? null : time(record.startedAt),
    endedAt: record.endedAt === null ? null : time(record.endedAt),
    links: { self: `${prefix}/tasks/${record.id}` },
  }
}

/** The same with the arguments, and the last of the attempts that are known, for who asks for one task. */
export function wholeTaskDocument(
  record: TaskRecord,
  prefix: string,
  attempts: readonly AttemptRecord[] = [],
): TaskDocument {
  const { args, redact: keys } = record
  const shown = args.length > maxArguments ? null : jsonOf(() => redact(decodeArguments(args), keys))
  return {
    ...taskDocument(record, prefix, maxShown),
    arguments: shown,
    ...(attempts.length > 0 && { attempts: attempts.slice(-maxAttempts).map(attemptDocument) }),
  }
}

function attemptDocument({ startedAt, endedAt, ...attempt }: AttemptRecord): AttemptDocument {
  return { ...attempt, startedAt: startedAt === null ? null : time(startedAt), endedAt: time(endedAt) }
}

/** Stacks hold paths of the server: they stay in the log. */
function withoutStack({ stack: _stack, cause, ...failure }: Failure): Omit<Failure, 'stack'> {
  return cause === undefined ? failure : { ...failure, cause: withoutStack(cause) }
}

/** Most results are JSON already. */
function resultOf(text: string): unknown {
  return text.includes('"$":') ? jsonOf(() => decodeValue(text)) : JSON.parse(text)
}

/** What JSON lacks is shown as text: dates by toJSON, big integers in decimal, bytes as base64. */
function jsonOf(read: () => unknown): unknown {
  try {
    const text = JSON.stringify(read(), (_key, value: unknown) => {
      if (typeof value === 'bigint') return value.toString()
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
    })
    return JSON.parse(text)
  } catch (error) {
    return { unreadable: toFailure(error).message }
  }
}

function time(at: number): string {
  return new Date(at).toISOString()
}
