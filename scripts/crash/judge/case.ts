import { outcomeOf, type AskedTask, type SentRequest } from '../asked.ts'
import type { Evidence } from '../evidence.ts'
import type { SeenTask } from '../records.ts'
import { attemptsIn, type Attempt, type PlacedLine } from './attempts.ts'

/** One task that a client asked for, with all that is known of it. */
export interface Case {
  asked: AskedTask
  request: SentRequest
  /** The id that the client was told, or else that of the record. */
  id: string | null
  record: SeenTask | undefined
  /** The key was taken: the record is that of the task that had it. */
  isAlias: boolean
  /** What the attempts of the record's task told, in their order, but for the ends of those that were overtaken. */
  lines: readonly PlacedLine[]
}

/** Something that was promised and not kept. */
export interface Breach {
  marker: string
  id: string | null
  why: string
}

/** What the evidence says of one promise. */
export interface Finding {
  promise: string
  /** What it was tried on: tasks, groups, requests, as the promise says. */
  checked: number
  breaches: Breach[]
}

/** The evidence, put in order for the judge. */
export interface File {
  evidence: Evidence
  /** Tasks that were acknowledged, or that are there though nobody told the client. */
  cases: Case[]
  linesOf: ReadonlyMap<string, readonly PlacedLine[]>
  attempts: readonly Attempt[]
  /** Ids of the records with a marker; more than one is a breach. */
  idsOf: ReadonlyMap<string, readonly string[]>
  /** Every marker of which something is there: a record, a line, a mail. */
  traces: ReadonlySet<string>
}

export function openFile(evidence: Evidence): File {
  const lines = evidence.journal.map((line, place) => ({ ...line, place }))
  const linesOf = Map.groupBy(lines, ({ id }) => id)
  const attempts = attemptsIn(lines, evidence.kills)
  const late = new Set(attempts.filter(({ isOvertaken }) => isOvertaken).map(({ end }) => end))
  const inTimeOf = (id: string) => linesOf.get(id)?.filter((line) => !late.has(line)) ?? []
  const idsOf = new Map<string, string[]>()
  for (const { id, marker } of distinct(evidence)) {
    if (marker !== null) idsOf.set(marker, [...(idsOf.get(marker) ?? []), id])
  }
  const mails = new Set(evidence.deliveries.map(({ to }) => to))
  const mailed = evidence.requests.flatMap(({ tasks }) =>
    tasks.filter(({ to }) => to !== null && mails.has(to)).map(({ marker }) => marker),
  )
  const traces = new Set([...idsOf.keys(), ...lines.map(({ marker }) => marker), ...mailed])
  const cases = evidence.requests.flatMap((request) =>
    request.tasks.map((asked, index): Case => {
      const id = request.ids?.[index] ?? idsOf.get(asked.marker)?.[0] ?? null
      const record = id === null ? undefined : evidence.records.get(id)
      const isAlias = record !== undefined && record.id !== id
      return { asked, request, id, record, isAlias, lines: inTimeOf(record?.id ?? '') }
    }),
  )
  const counted = cases.filter(
    ({ request, record }) =>
      outcomeOf(request) === 'acknowledged' || (outcomeOf(request) === 'unanswered' && record !== undefined),
  )
  return { evidence, cases: counted, linesOf, attempts, idsOf, traces }
}

/** The records, each once, however many ids lead to it. */
export function distinct({ records }: Evidence): SeenTask[] {
  return [...new Map(Array.from(records.values(), (record) => [record.id, record])).values()]
}

/** Those with a breach, each with its sentence. */
export function breachesOf(cases: readonly Case[], why: (of: Case) => string | undefined): Breach[] {
  return cases.flatMap((of) => {
    const said = why(of)
    return said === undefined ? [] : [{ marker: of.asked.marker, id: of.record?.id ?? of.id, why: said }]
  })
}
