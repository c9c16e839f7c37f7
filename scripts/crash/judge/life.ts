import { outcomeOf } from '../asked.ts'
import { breachesOf, type Case, type File, type Finding } from './case.ts'

/** Every task that a 202 promised is known, and so it is not lost. */
export function known({ cases }: File): Finding {
  const promised = cases.filter(({ request }) => outcomeOf(request) === 'acknowledged')
  return {
    promise: 'acknowledged tasks are known',
    checked: promised.length,
    breaches: breachesOf(promised, ({ record, asked, isAlias, id, request }) => {
      if (record === undefined) {
        // A key that was taken leaves no record of its own, and with the body of the answer its id is gone.
        if (asked.unique !== null && request.ids === null) return undefined
        return `lost: nobody knows it${id === null ? ', by its marker' : ''}`
      }
      if (isAlias && asked.unique === null) return `its id leads to another task, ${record.id}`
      return !isAlias && record.marker !== asked.marker ? `its record is that of ${record.marker}` : undefined
    }),
  }
}

export function ended({ cases }: File): Finding {
  return {
    promise: 'tasks have ended',
    checked: cases.length,
    breaches: breachesOf(cases, ({ record }) =>
      record !== undefined && record.endedAt === null ? `has not ended: it is ${record.state}` : undefined,
    ),
  }
}

/** A record may claim what it likes: the attempt it names must have told of its end itself. */
export function ran({ cases }: File): Finding {
  const over = cases.filter(({ record }) => record?.state === 'succeeded' || record?.state === 'failed')
  return {
    promise: 'ended tasks really ran',
    checked: over.length,
    breaches: breachesOf(over, ({ record, lines }) => {
      const verb = record!.state === 'succeeded' ? 'end' : 'fail'
      return lines.some((line) => line.verb === verb && line.attempt === record!.attempt)
        ? undefined
        : `its record says attempt ${record!.attempt} ${record!.state}, its journal tells of no such end`
    }),
  }
}

export function notFailed({ cases }: File): Finding {
  const over = cases.filter(({ record }) => record !== undefined && record.endedAt !== null)
  return {
    promise: 'no task failed but on purpose',
    checked: over.length,
    breaches: breachesOf(over, ({ record, asked }) => {
      const { state, error } = record!
      if (asked.kind === 'failing') {
        if (state === 'failed' && error?.code === 'ON_PURPOSE') return undefined
        return `was to fail on purpose, but ${state} with ${error?.code ?? 'no code'}`
      }
      return state === 'succeeded'
        ? undefined
        : `${state} with ${error?.code ?? 'no code'}: ${error?.message}`
    }),
  }
}

/** Attempts whose number was used again, because their start was not stored when they were cut. */
export function unstoredStarts({ evidence }: File): number {
  const begins = evidence.journal.filter(({ verb }) => verb === 'begin')
  return begins.length - new Set(begins.map(({ id, attempt }) => `${id} ${attempt}`)).size
}

/** What ran more often than it would have without kills; a failure on purpose and its retries do not count. */
export function ranAgain({ linesOf }: File): number {
  let count = 0
  for (const lines of linesOf.values()) {
    const cut = lines.filter(({ verb }) => verb === 'begin').length - lines.filter(isOver).length
    const ends = lines.filter(({ verb }) => verb === 'end').length
    if (cut > 0 || ends > 1) count++
  }
  return count
}

function isOver({ verb }: Case['lines'][number]): boolean {
  return verb !== 'begin'
}
