import { toFailure, type Failure } from './failure.ts'
import { newId } from './id.ts'
import type { NewTask, TaskRecord, TaskState } from './task.ts'
import { decodeArguments, decodeValue, encodeArguments } from './value.ts'

/** What an `onEnded` task gets as its first argument: all that is known of the one that has ended. */
export interface EndedTask {
  id: string
  name: string
  state: Extract<TaskState, 'succeeded' | 'failed' | 'cancelled'>
  attempt: number
  args: unknown[]
  result: unknown
  error: Failure | null
  addedAt: Date
  startedAt: Date | null
  endedAt: Date
}

/** The task that another one's `onEnded` asks for, now that it has ended. */
export function onEndedTask(
  task: Pick<NewTask, 'files' | 'options'>,
  record: TaskRecord,
): NewTask | undefined {
  const { onEnded } = task.options
  if (onEnded === null) return undefined
  const id = newId()
  return {
    id,
    name: onEnded.name,
    args: joined(
      encodeEnded(onEnded.withArgs === false ? { ...record, args: '[]' } : record, onEnded.name),
      onEnded.args,
    ),
    files: onEnded.withArgs === false ? [] : task.files,
    group: id,
    // Its argument holds those of the task that has ended, whose secrets stay secret.
    options: { ...onEnded.options, redact: [...onEnded.options.redact, ...task.options.redact] },
  }
}

/** The record of a task that has ended, with its values as they were given. */
export function toEnded(record: TaskRecord): EndedTask {
  return {
    id: record.id,
    name: record.name,
    state: record.state as EndedTask['state'],
    attempt: record.attempt,
    args: decodeArguments(record.args),
    result: record.result === null ? null : decodeValue(record.result),
    error: record.error,
    addedAt: new Date(record.addedAt),
    startedAt: record.startedAt === null ? null : new Date(record.startedAt),
    endedAt: new Date(record.endedAt ?? record.addedAt),
  }
}

/** Two lists of arguments as text, each at least the brackets, as one; the first is not empty. */
function joined(first: string, second = '[]'): string {
  return second === '[]' ? first : `${first.slice(0, -1)},${second.slice(1)}`
}

function encodeEnded(record: TaskRecord, name: string): string {
  const ended = toEnded(record)
  try {
    return encodeArguments([ended], name)
  } catch (error) {
    return encodeArguments([{ ...ended, args: [], result: null, error: toFailure(error) }], name)
  }
}
