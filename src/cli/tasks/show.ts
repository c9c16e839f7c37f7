import { badOption } from '../../core/errors.ts'
import type { Failure } from '../../core/failure.ts'
import { printable } from '../../core/printable.ts'
import { isDirect, type ShownAttempt, type ShownTask, type TaskDetails } from '../operator/operator.ts'
import type { Command, Session } from '../operator/session.ts'
import { ago, between, errorText, progressText } from '../output/human.ts'
import { jsonText, print } from '../output/print.ts'
import { table, type Column } from '../output/table.ts'
import { idsOf } from './filter.ts'

/** `afterwork tasks show`: all that is known of tasks. */
export const show: Command<string[]> = {
  name: 'tasks show',
  spec: {},
  read(flags) {
    const ids = idsOf(flags)
    if (ids.length === 0) throw badOption('afterwork tasks show', 'the id of a task', undefined)
    return ids
  },
  async run(session, ids) {
    const shown = []
    for (const id of ids) shown.push(await whole(session, id))
    if (session.flags.json) return await print(`${jsonText(ids.length === 1 ? shown[0] : shown, 2)}\n`)
    await print(shown.map((task) => textOf(task, Date.now())).join('\n'))
  },
}

const attemptColumns: readonly Column[] = [
  { heading: 'no', align: 'right' },
  { heading: 'state' },
  { heading: 'started' },
  { heading: 'took', align: 'right' },
  { heading: 'process' },
  { heading: 'error' },
]

type Whole = ShownTask & Partial<TaskDetails>

/** What the service tells, and what it keeps to those who can read its queue. */
async function whole({ operator, direct }: Session, id: string): Promise<Whole> {
  const task = await operator.get(id)
  if (isDirect(operator)) return { ...task, ...(await operator.details(task.id)) }
  if (direct === undefined) return task
  try {
    const reading = await direct()
    try {
      return { ...task, ...(await reading.details(task.id)), ...(task.error === null && { error: null }) }
    } finally {
      await reading.close()
    }
  } catch {
    // Another user's file, or a task that went meanwhile: what the service told is enough.
    return task
  }
}

function textOf(task: Whole, now: number): string {
  const { startedAt, endedAt } = task
  const lines: [string, string][] = [
    ['id', task.id],
    ['name', task.name],
    ['state', task.state],
    ['attempt', String(task.attempt)],
    ['pool', task.pool ?? ''],
    ['priority', task.priority === undefined ? '' : String(task.priority)],
    ['group', task.group === undefined || task.group === task.id ? '' : task.group],
    ['progress', progressText(task.progress)],
    ['added', dated(task.addedAt, now)],
    ['due', task.state === 'scheduled' ? dated(task.runAt ?? null, now) : ''],
    ['started', dated(startedAt, now)],
    ['ended', dated(endedAt, now)],
    ['took', endedAt === null && task.state !== 'running' ? '' : between(startedAt, endedAt, now)],
  ]
  const known = lines.filter(([, value]) => value !== '')
  return [
    ...known.map(([name, value]) => `${name.padEnd(10)}${printable(value)}`),
    ...block('arguments', task.arguments),
    ...block('result', task.result),
    ...attemptLines(task.attempts ?? [], now),
    ...(task.error === null ? [] : ['error', ...errorLines(task.error, '  ')]),
    '',
  ].join('\n')
}

function dated(date: string | null, now: number): string {
  return date === null ? '' : `${date}  (${ago(date, now)})`
}

function block(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return []
  return [
    name,
    ...jsonText(value, 2)
      .split('\n')
      .map((line) => `  ${line}`),
  ]
}

/** Those that did not end well, one a line, whatever the width of the terminal. */
function attemptLines(attempts: readonly ShownAttempt[], now: number): string[] {
  if (attempts.length === 0) return []
  const rows = attempts.map(({ attempt, state, startedAt, endedAt, process, error }) => [
    String(attempt),
    state,
    startedAt ?? '',
    between(startedAt, endedAt, now),
    process === null ? '' : `${process.host}:${process.pid}`,
    errorText(error),
  ])
  const lines = table(attemptColumns, rows, Infinity).trimEnd().split('\n')
  return ['attempts that did not end well', ...lines.map((line) => `  ${line}`)]
}

/** With its stack where it is known, its own properties, and what caused it. */
function errorLines({ name, message, code, stack, fields, cause }: Failure, indent: string): string[] {
  const text = stack === undefined || stack === '' ? `${name}: ${message}` : stack
  const own = { ...(code !== undefined && { code }), ...fields }
  return [
    ...text.split('\n').map((line) => indent + printable(line)),
    ...Object.entries(own).map(([key, value]) => `${indent}${printable(`${key}: ${String(value)}`)}`),
    ...(cause === undefined ? [] : [`${indent}caused by`, ...errorLines(cause, `${indent}  `)]),
  ]
}
