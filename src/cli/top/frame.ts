import { styleText } from 'node:util'
import { printable } from '../../core/printable.ts'
import { taskStates } from '../../core/task.ts'
import type { ShownPool, ShownTask } from '../operator/operator.ts'
import { ago, between, count, duration, errorText, progressText } from '../output/human.ts'
import { table, type Column } from '../output/table.ts'
import { cut, fit, widthOf } from '../output/width.ts'
import type { Look, Rates } from './look.ts'

/** What is to be drawn. */
export interface View {
  /** Undefined before the first one. */
  look: Look | undefined
  rates: Rates | null
  /** Why the look is not a new one. */
  trouble: string | undefined
  /** Milliseconds since 1970. */
  now: number
}

const barWidth = 20
const runningColumns: Column[] = [
  { heading: 'RUNNING' },
  { heading: 'NAME', flexible: true },
  { heading: 'ATTEMPT', align: 'right' },
  { heading: 'FOR', align: 'right' },
  { heading: 'PROGRESS', flexible: true },
]
const failedColumns: Column[] = [
  { heading: 'LAST FAILED' },
  { heading: 'NAME', flexible: true },
  { heading: 'ATTEMPT', align: 'right' },
  { heading: 'WHEN', align: 'right' },
  { heading: 'ERROR', flexible: true },
]

/** The lines of one picture, none wider than `width`, and at most `height` of them. */
export function frame({ look, rates, trouble, now }: View, width: number, height: number): string[] {
  const head = [title(look, now, width)]
  if (trouble !== undefined) head.push(styleText('red', cut(printable(trouble), width)))
  if (look === undefined) return head.slice(0, height)
  head.push(...numbers(look, rates, now).map((line) => cut(line, width)), '')
  const pools = look.pools.map((pool) => cut(poolLine(pool, look.pools), width))
  const failedCount = look.stats.counts.failed
  // What fails is a few lines; what runs has the rest.
  const left = Math.max(0, height - head.length - (pools.length > 0 ? pools.length + 1 : 0))
  const failedRoom =
    look.failed.length === 0 ? 0 : Math.min(look.failed.length + 2, Math.max(3, Math.floor(left / 3)))
  return [
    ...head,
    ...(pools.length > 0 ? [...pools, ''] : []),
    ...section(runningColumns, look.running, look.stats.counts.running, left - failedRoom, width, (task) => [
      task.id,
      task.name,
      String(task.attempt),
      between(task.startedAt, null, now),
      progressText(task.progress),
    ]),
    ...section(failedColumns, look.failed, failedCount, failedRoom, width, (task) => [
      task.id,
      task.name,
      String(task.attempt),
      ago(task.endedAt, now),
      errorText(task.error),
    ]),
  ].slice(0, height)
}

function title(look: Look | undefined, now: number, width: number): string {
  const clock = new Date(now).toLocaleTimeString('en-GB')
  const name = `afterwork top  ${printable(look?.source ?? '')}`
  const space = width - clock.length
  return space > 14 ? styleText('bold', `${fit(name, space - 1)} `) + clock : cut(name, width)
}

function numbers({ stats, pools }: Look, rates: Rates | null, now: number): string[] {
  const { counts, oldestAddedAt } = stats
  const waits =
    oldestAddedAt === null ? '' : `   the oldest waits for ${duration(now - Date.parse(oldestAddedAt))}`
  const flow = rates === null ? '' : `${rateText(rates.added)} added, ${rateText(rates.ended)} ended a second`
  const idle = pools.length === 0 ? 'no service runs: this is what the file says' : ''
  return [
    taskStates.map((state) => `${state} ${count(counts[state])}`).join('   '),
    ...(flow + waits === '' ? [] : [(flow + waits).trim()]),
    ...(idle === '' ? [] : [idle]),
  ]
}

function rateText(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : count(Math.round(rate))
}

function poolLine(
  { name, running, maxThreads, concurrency, paused, processes }: ShownPool,
  pools: readonly ShownPool[],
): string {
  const longest = Math.min(30, Math.max(...pools.map((pool) => widthOf(printable(pool.name)))))
  const shown = fit(printable(name), longest)
  const state = paused ? '  paused' : ''
  if (processes !== undefined || maxThreads === null || concurrency === null)
    return `${shown}  ${running} running in ${processes} process${processes === 1 ? '' : 'es'}${state}`
  const slots = maxThreads * concurrency
  const full = Math.min(barWidth, Math.ceil((running / slots) * barWidth))
  const bar = `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`
  return `${shown}  ${bar} ${running} of ${slots}${state}`
}

/** A table in at most `room` lines, the last of them empty; it says how many it leaves out. */
function section(
  columns: readonly Column[],
  tasks: readonly ShownTask[],
  total: number,
  room: number,
  width: number,
  cells: (task: ShownTask) => string[],
): string[] {
  if (tasks.length === 0 || room < 3) return []
  const whole = Math.max(total, tasks.length) <= room - 2
  const shown = tasks.slice(0, whole ? room - 2 : Math.max(1, room - 3))
  const [heading = '', ...lines] = table(columns, shown.map(cells), width).trimEnd().split('\n')
  const more = Math.max(total, tasks.length) - shown.length
  return [
    styleText('bold', heading),
    ...lines,
    ...(more > 0 && room > 3 ? [cut(`and ${count(more)} more`, width)] : []),
    '',
  ]
}
