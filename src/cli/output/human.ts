import type { Failure } from '../../core/failure.ts'
import type { Progress } from '../../core/task.ts'

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** Milliseconds for a person, by their largest units: '340ms', '2.4s', '3m 20s', '5h 3m', '12d 4h'. */
export function duration(milliseconds: number): string {
  const time = Math.max(0, milliseconds)
  if (time < 1_000) return `${Math.round(time)}ms`
  if (time < 9_950) return `${(time / 1_000).toFixed(1)}s`
  const seconds = Math.round(time / 1_000) * 1_000
  const at = units.findIndex(([, size]) => seconds >= size)
  const [unit, size] = units[at]!
  const [smaller, part] = units[at + 1] ?? ['', Infinity]
  const rest = Math.floor((seconds % size) / part)
  return rest > 0
    ? `${Math.floor(seconds / size)}${unit} ${rest}${smaller}`
    : `${Math.floor(seconds / size)}${unit}`
}

/** How long ago a date was, or how soon it is. */
export function ago(date: string | null, now: number): string {
  if (date === null) return ''
  const time = now - Date.parse(date)
  return time >= 0 ? `${duration(time)} ago` : `in ${duration(-time)}`
}

/** Between two dates; up to now where there is no second one. */
export function between(from: string | null, to: string | null, now: number): string {
  return from === null ? '' : duration((to === null ? now : Date.parse(to)) - Date.parse(from))
}

/** A number with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** '1 task', '3 failed tasks'. */
export function tasksOf(value: number, what = ''): string {
  return `${count(value)} ${what === '' ? '' : `${what} `}task${value === 1 ? '' : 's'}`
}

/** '50% half way', or nothing. */
export function progressText(progress: Progress | null): string {
  if (progress === null) return ''
  return `${Math.floor(progress.fraction * 100)}% ${progress.message ?? ''}`.trimEnd()
}

/** 'RangeError: too far', on one line. */
export function errorText(error: Failure | null): string {
  return error === null ? '' : `${error.code ?? error.name}: ${error.message}`
}
