import { outcomeOf, type SentRequest } from '../asked.ts'
import type { Kill } from '../lives.ts'
import type { Breach, File, Finding } from './case.ts'

/** A store that was too slow takes back what it refused, unless it is killed within so many milliseconds. */
const takingBack = 5_000

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
    (request) => outcomeOf(request) === 'refused' && !mayHaveStayed(request, evidence.kills),
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

function mayHaveStayed({ code, answeredAt }: SentRequest, kills: readonly Kill[]): boolean {
  if (code !== 'AFTERWORK_QUEUE_FAILED' || answeredAt === null) return false
  return kills.some(({ at }) => at >= answeredAt && at < answeredAt + takingBack)
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
