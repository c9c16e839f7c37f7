import type { Outage } from '../outage.ts'
import type { PlacedLine } from './attempts.ts'
import type { Breach, Case, File, Finding } from './case.ts'
import { breachesOf } from './case.ts'

/** What an alias may say of a task that has just ended: its end was told before it was stored, in milliseconds. */
const settling = 2_000
/** Likewise where it could not be stored because the database was away: how long after that, in milliseconds. */
const catchingUp = 10_000

/** The next ordered task of a request begins when the one before has ended, whatever was killed in between. */
export function groups({ cases }: File): Finding {
  const ordered = cases.filter(({ asked }) => asked.ordered)
  const groups = [...Map.groupBy(ordered, ({ request }) => request.marker).values()].filter(
    (group) => group.length > 1,
  )
  return {
    promise: 'groups ended in order',
    checked: groups.length,
    breaches: groups.flatMap((group) =>
      group.slice(1).flatMap((of, index) => {
        const why = outOfOrder(group[index]!, of)
        return why === undefined ? [] : [{ marker: of.asked.marker, id: of.id, why }]
      }),
    ),
  }
}

function outOfOrder(before: Case, of: Case): string | undefined {
  // A task that another request added may well have begun before.
  if (of.isAlias || before.record === undefined) return undefined
  const first = firstBegin(of.lines)
  const last = before.lines.at(-1)
  if (first === undefined || last === undefined || last.place < first.place) return undefined
  return `began in line ${first.place}, before ${before.asked.marker} had its ${last.verb} in line ${last.place}`
}

/** A delay counts from the commit, which comes after the request. */
export function delays({ cases }: File): Finding {
  const delayed = cases.filter(
    ({ asked, isAlias, record }) => asked.delay > 0 && !isAlias && record !== undefined,
  )
  return {
    promise: 'delays were kept',
    checked: delayed.length,
    breaches: breachesOf(delayed, ({ asked, request, record, lines }) => {
      const begin = firstBegin(lines)
      if (begin === undefined) return undefined
      const waited = begin.at - Math.max(request.sentAt, record!.addedAt)
      return waited < asked.delay ? `began after ${waited} ms, not ${asked.delay} ms` : undefined
    }),
  }
}

/** While one task of a key lives no other of it runs, and who asks for it is given a living one. */
export function uniqueKeys({ cases, evidence }: File): Finding {
  const keyed = cases.filter(({ asked, record }) => asked.unique !== null && record !== undefined)
  const breaches = breachesOf(keyed, ({ isAlias, record, request }) => {
    const { endedAt, addedAt } = record!
    if (!isAlias || endedAt === null) return undefined
    if (endedAt < request.sentAt - settling && !isLate(endedAt, request.sentAt, evidence.outages ?? []))
      return 'stands for a task that had ended when it was asked for'
    return addedAt > (request.answeredAt ?? Infinity)
      ? 'stands for a task that was added after its answer'
      : undefined
  })
  const own = keyed.filter(({ isAlias }) => !isAlias)
  for (const rivals of Map.groupBy(own, ({ asked }) => asked.unique!).values())
    breaches.push(...together(rivals))
  return { promise: 'one live task a unique key', checked: keyed.length, breaches }
}

/** Whether an end could not be stored before then. */
function isLate(endedAt: number, then: number, outages: readonly Outage[]): boolean {
  return outages.some(({ from, until }) => endedAt >= from - settling && then <= until + catchingUp)
}

function together(rivals: Case[]): Breach[] {
  const ran = rivals.filter(({ lines }) => lines.length > 0)
  ran.sort((a, b) => a.lines[0]!.place - b.lines[0]!.place)
  return ran.slice(1).flatMap((of, index) => {
    const { lines, record } = ran[index]!
    const begin = firstBegin(of.lines)
    if (begin === undefined) return []
    const overlaps = lines.at(-1)!.place > begin.place || (record!.endedAt ?? Infinity) > begin.at
    if (!overlaps) return []
    return [
      { marker: of.asked.marker, id: of.record!.id, why: `ran while ${record!.id} of its key was alive` },
    ]
  })
}

/** What a kill cut runs first, alone and one at a time, in the process that takes over. */
export function suspects({ evidence, linesOf }: File): Finding {
  const lives = [...Map.groupBy(evidence.journal.map(placed), ({ pid }) => pid).values()]
  /** The line with which each task that is cut began. */
  const cut = new Map<string, PlacedLine>()
  const breaches: Breach[] = []
  let checked = 0
  for (const life of lives) {
    // One that never began again was ended otherwise, and is not waited for.
    const waiting = new Set([...cut.keys()].filter((id) => beginsAfter(linesOf.get(id)!, life[0]!.place)))
    checked += waiting.size
    const unsure = new Set([...waiting].filter((id) => beganTwice(linesOf.get(id)!, cut.get(id)!)))
    for (const [id, why] of disturbed(life, waiting, unsure, linesOf)) {
      const { marker } = cut.get(id)!
      breaches.push({ marker, id, why: `was cut, and then ${why}` })
    }
    for (const line of life) {
      if (line.verb === 'begin') cut.set(line.id, line)
      else cut.delete(line.id)
    }
  }
  return { promise: 'what was cut ran first and alone', checked, breaches }
}

/**
 * Those of the cut that were not let run first or alone, each with what came first in its way. That a task ended is
 * told before it is stored, and that it starts is stored before it is told: only one that never began before, in its
 * first attempt, surely did not run at the kill. Of the `unsure` it was stored only that they may run any moment: others
 * of which the same was stored, and which did not run, may come before them, but not beside them.
 */
function disturbed(
  life: readonly PlacedLine[],
  cut: ReadonlySet<string>,
  unsure: ReadonlySet<string>,
  linesOf: File['linesOf'],
): Map<string, string> {
  const why = new Map<string, string>()
  const waiting = new Set(cut)
  const running = new Map<string, string>()
  const note = (id: string, said: string) => why.set(id, why.get(id) ?? said)
  for (const { id, marker, verb, place, attempt } of life) {
    if (waiting.size === 0) break
    if (verb === 'begin') {
      const isNew = attempt === 1 && linesOf.get(id)![0]!.place === place
      if (isNew) {
        for (const other of waiting) {
          if (!unsure.has(other)) note(other, `${marker} began in line ${place} before it had ended`)
        }
      }
      for (const [other, name] of running) {
        if (cut.has(id)) note(id, `began in line ${place} beside ${name}`)
        if (cut.has(other)) note(other, `${marker} began in line ${place} beside it`)
      }
      running.set(id, marker)
    } else {
      running.delete(id)
      waiting.delete(id)
    }
  }
  return why
}

/** Whether an attempt began again under its number, so that its start was not stored as such. */
function beganTwice(lines: readonly PlacedLine[], { attempt }: PlacedLine): boolean {
  return lines.filter((line) => line.verb === 'begin' && line.attempt === attempt).length > 1
}

function beginsAfter(lines: readonly PlacedLine[], from: number): boolean {
  return lines.some(({ verb, place }) => verb === 'begin' && place >= from)
}

function firstBegin(lines: readonly PlacedLine[]): PlacedLine | undefined {
  return lines.find(({ verb }) => verb === 'begin')
}

function placed<T>(line: T, place: number): T & { place: number } {
  return { ...line, place }
}
