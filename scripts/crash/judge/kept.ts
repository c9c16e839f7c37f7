import { outcomeOf, type SentRequest } from '../asked.ts'
import type { Evidence } from '../evidence.ts'
import { lengthOf } from '../outage.ts'
import type { Breach, File, Finding } from './case.ts'

/**
 * A process that was too late takes back what it refused, unless it is killed within so many milliseconds, or the database
 * is away for longer than it is believed to live.
 */
const takingBack = 5_000
const lease = 10_000
/** Of refusals that say nothing of what became of the tasks. */
const late = new Set<string | null>(['AFTERWORK_QUEUE_FAILED', 'AFTERWORK_QUEUE_TIMEOUT'])

/** A request is taken, or refused because the queue is full or its handler says so; all else is a defect. */
export function answers({ evidence }: File): Finding {
  const answered = evidence.requests.filter(({ status, code }) => status !== null || code !== null)
  return {
    promise: 'answers were 202 or 503',
    checked: answered.length,
    breaches: answered
      .filter(({ status, isRefused }) => status !== 503 && status !== (isRefused ? 422 : 202))
      .map(({ marker, status, code }) => ({
        marker,
        id: null,
        why: `was answered ${status ?? 'by nobody'} ${code ?? ''}`,
      })),
  }
}

/** What was refused left nothing behind. */
export function refused({ evidence, traces }: File): Finding {
  const requests = evidence.requests.filter(
    (request) => outcomeOf(request) === 'refused' && !mayHaveStayed(request, evidence),
  )
  return {
    promise: 'nothing stayed of what was refused',
    checked: requests.length,
    breaches: requests.flatMap(({ tasks, status, code }) =>
      tasks
        .filter(({ marker }) => traces.has(marker))
        .map(({ marker }) => ({ marker, id: null, why: `was refused with ${status} ${code ?? ''}` })),
    ),
  }
}

function mayHaveStayed({ code, answeredAt, pid }: SentRequest, { kills, outages }: Evidence): boolean {
  if (answeredAt === null || !late.has(code)) return false
  const outage = outages?.find(({ from, until }) => from <= answeredAt && answeredAt < until + takingBack)
  if (outage !== undefined && lengthOf(outage) > lease) return true
  const end = Math.max(answeredAt, outage?.until ?? 0) + takingBack
  return kills.some((kill) => kill.pid === pid && kill.at >= answeredAt && kill.at < end)
}

/** The tasks of a request are stored together or not at all. */
export function unanswered({ evidence, idsOf }: File): Finding {
  const requests = evidence.requests.filter((request) => outcomeOf(request) === 'unanswered')
  return {
    promise: 'unanswered requests are whole or absent',
    checked: requests.length,
    breaches: requests.flatMap(({ tasks }) => {
      // A key that was taken leaves no record of its own.
      const own = tasks.filter(({ unique }) => unique === null)
      const absent = own.filter(({ marker }) => !idsOf.has(marker))
      if (absent.length === 0 || absent.length === own.length) return []
      const why = `is not there, unlike ${own.length - absent.length} others of its request`
      return absent.map(({ marker }) => ({ marker, id: null, why }))
    }),
  }
}

/** Nothing was stored twice, and nothing ran of which there is no record. */
export function accountedFor({ evidence, idsOf, linesOf }: File): Finding {
  const breaches: Breach[] = []
  for (const [marker, ids] of idsOf)
    if (ids.length > 1) breaches.push({ marker, id: ids[0]!, why: `is stored ${ids.length} times` })
  const ids = new Set(evidence.records.keys())
  for (const [id, [line]] of linesOf)
    if (!ids.has(id)) breaches.push({ marker: line!.marker, id, why: 'ran, but has no record' })
  return { promise: 'all that ran is on record, once', checked: linesOf.size, breaches }
}

/** Each task that adds another added exactly one, which ran. */
export function followUps({ evidence, cases, idsOf, linesOf }: File): Finding {
  const suffixes: Record<string, string> = { withFollowUp: '.f', watched: '.e' }
  const parents = cases.filter(
    ({ asked, record }) => asked.kind in suffixes && typeof record?.endedAt === 'number',
  )
  return {
    promise: 'follow-ups were added once and ran',
    checked: parents.length,
    breaches: parents.flatMap(({ asked, id }) => {
      const marker = `${asked.marker}${suffixes[asked.kind]}`
      const [own, ...more] = idsOf.get(marker) ?? []
      if (own === undefined) return [{ marker, id, why: 'was never added, though its parent ended' }]
      if (more.length > 0) return [{ marker, id: own, why: `was added ${1 + more.length} times` }]
      const { state } = evidence.records.get(own)!
      const hasRun = linesOf.get(own)?.some(({ verb }) => verb === 'end') === true
      if (state === 'succeeded' && hasRun) return []
      return [{ marker, id: own, why: `is ${state}${hasRun ? '' : ' and never ran to its end'}` }]
    }),
  }
}
