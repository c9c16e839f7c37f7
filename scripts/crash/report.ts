import { table } from '../bench/harness/table.ts'
import type { Evidence } from './evidence.ts'
import { openFile, type Breach } from './judge/case.ts'
import type { Judgement } from './judge.ts'
import type { Moment } from './moments.ts'
import type { Strays } from './strays.ts'

/** Breaches that are shown in full at most. */
const shown = 20

/** What is told of a kill once the service is up again, or killed again. */
export interface KillReport {
  number: number
  /** What was killed, by role; null where it can only be one. */
  killed: readonly string[] | null
  moment: Moment
  /** Requests that were acknowledged so far. */
  acknowledged: number
  /** How long the next start took until it was up, in milliseconds; null when the next kill came first. */
  restart: number | null
  /** Tasks whose attempt was cut. */
  suspects: number
}

export function killLine(report: KillReport): string {
  const { number, killed, moment, acknowledged, restart, suspects } = report
  const up = restart === null ? 'killed again before it listened' : `up again in ${seconds(restart)}`
  const who = killed === null ? '' : killed.join(' + ').padEnd(26)
  const cut = `${suspects} ${suspects === 1 ? 'task' : 'tasks'} cut`
  return `kill ${String(number).padStart(3)}  ${who}${moment.padEnd(28)}${cut.padEnd(15)}${up}, ${acknowledged} requests acknowledged so far`
}

/** Each promise, what it was tried on, and how often it was broken. */
export function findingsTable({ findings }: Judgement): string[] {
  return table([
    ['promise', 'checked', 'broken'],
    ...findings.map(({ promise, checked, breaches }) => [promise, String(checked), String(breaches.length)]),
  ])
}

/** What was broken, with what the record and the journal say of it. */
export function breachLines({ findings }: Judgement, evidence: Evidence): string[] {
  const all = findings.flatMap(({ promise, breaches }) => breaches.map((breach) => ({ promise, breach })))
  const file = openFile(evidence)
  const lines = all.slice(0, shown).flatMap(({ promise, breach }) => {
    const { marker, id, why } = breach
    return [`${promise}: ${marker} ${id ?? '(no id)'} ${why}`, ...whatIsKnown(breach, evidence, file.linesOf)]
  })
  return all.length > shown ? [...lines, `and ${all.length - shown} more`] : lines
}

function whatIsKnown(
  { marker, id }: Breach,
  { records, requests, journal }: Evidence,
  linesOf: ReturnType<typeof openFile>['linesOf'],
): string[] {
  const record = id === null ? undefined : records.get(id)
  // A follow-up has the marker of its parent and one part more.
  const asked = marker.split('.').slice(0, 2).join('.')
  const request = requests.find(({ tasks }) => tasks.some((task) => task.marker === asked))
  const lines =
    record === undefined ? journal.filter((line) => line.marker === marker) : (linesOf.get(record.id) ?? [])
  return [
    `    request  ${request === undefined ? 'none' : `${request.status ?? 'no answer'} at ${request.answeredAt ?? '-'}, ${request.tasks.length} tasks`}`,
    `    record   ${record === undefined ? 'none' : `${record.state}, attempt ${record.attempt}, ${record.error?.code ?? 'no error'}`}`,
    `    journal  ${lines.map(({ verb, attempt, pid, at }) => `${verb} ${attempt} in ${pid} at ${at}`).join('; ') || 'nothing'}`,
  ]
}

export function lastLines(judgement: Judgement, kills: number, { uploads, temporary }: Strays): string[] {
  const {
    acknowledged,
    lost,
    ranAgain,
    deliveredAgain,
    full,
    away,
    unanswered,
    unansweredTasks,
    attempts,
    unstoredStarts,
    overtaken,
  } = judgement.counts
  const broken = judgement.findings.reduce((sum, { breaches }) => sum + breaches.length, 0)
  return [
    `${attempts} attempts (${unstoredStarts} under a number that had been used, ${overtaken} overtaken by another process), ${full} requests refused because the queue was full, ${away} because it did not answer, ${unanswered} without an answer (${unansweredTasks} tasks of them are there)`,
    `found among the files by the last sweep: ${uploads} uploads that were cut, ${temporary} unfinished thumbnails (one of each is the harness's own)`,
    `${kills} kills, ${acknowledged} acknowledged, ${lost} lost, ${ranAgain} ran twice, ${deliveredAgain} mails delivered twice, ${broken} promises broken`,
  ]
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}
