import { badOption } from './errors.ts'

/** Milliseconds, or a number with a unit: '250ms', '30s', '10m', '1h', '7d'. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration; throws AFTERWORK_BAD_OPTION naming `what` when it is none. */
export function milliseconds(duration: unknown, what: string): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null
  const result = match === null ? NaN : Number(match[1]) * units[match[2] as keyof typeof units]
  if (Number.isFinite(result)) return result
  throw badOption(what, `milliseconds or a duration like '30s', '10m', '1h', '7d'`, duration)
}
