import type { Attempt } from './attempts.ts'
import type { File, Finding } from './case.ts'

/** What a kill cut runs again with nothing beside it in its process, whichever that is; other processes go on. */
export function alone({ attempts }: File): Finding {
  const again = attempts.filter(({ isCut, next }) => isCut && next !== undefined).map(({ next }) => next!)
  const byProcess = Map.groupBy(attempts, ({ begin }) => begin.pid)
  return {
    promise: 'what was cut ran alone in its process',
    checked: again.length,
    breaches: again.flatMap((attempt) => {
      const { begin } = attempt
      const beside = byProcess.get(begin.pid)!.find((other) => other !== attempt && overlap(attempt, other))
      if (beside === undefined) return []
      const why = `was cut, and then began in line ${begin.place} beside ${beside.begin.marker}`
      return [{ marker: begin.marker, id: begin.id, why }]
    }),
  }
}

/** How many attempts went on while another process had their task already. */
export function overtaken({ attempts }: File): number {
  return attempts.filter(({ isOvertaken }) => isOvertaken).length
}

function overlap(one: Attempt, other: Attempt): boolean {
  return one.begin.place < endOf(other) && other.begin.place < endOf(one)
}

/** One that its process gave up tells of no end, and is over at some time. */
function endOf({ begin, end, isCut }: Attempt): number {
  return end?.place ?? (isCut ? Infinity : begin.place)
}
