const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const exact = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 })

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A count, such as `12,345`. */
export function count(value: number): string {
  return whole.format(value)
}

/** A count with what is counted, such as `1 row` or `2 rows`. */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : several}`
}

/** A figure with at most six significant digits; whole numbers below 10^15 with all of theirs. */
export function figure(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return whole.format(value)
  if (isOutOfScale(value)) return value.toExponential(4).replace(/\.?0+e/, 'e')
  return exact.format(value)
}

/** Figures for the axis of a chart, all short or none: `7.5K` beside `10K`. */
export function tickLabels(values: readonly number[]): string[] {
  const isLarge = values.some((value) => Math.abs(value) >= 10_000)
  return values.map((value) => {
    if (isOutOfScale(value)) return value.toExponential(2).replace(/\.?0+e/, 'e')
    return isLarge ? compact.format(value) : figure(value)
  })
}

/** Such as `12%`; what is not quite nothing is `<0.1%`, and what is not quite all is never `100%`. */
export function share(part: number, all: number): string {
  if (all === 0 || part === 0) return '0%'
  if (part === all) return '100%'
  const percent = (100 * part) / all
  if (percent < 0.1) return '<0.1%'
  if (percent > 99.9) return '>99.9%'
  return `${percent < 10 || percent > 90 ? percent.toFixed(1).replace('.0', '') : percent.toFixed(0)}%`
}

/** Bytes for people, such as `1.4 MB`. */
export function byteCount(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? value.toFixed(0) : value.toPrecision(2)} ${units[unit]}`
}

/** A day, such as `3 Mar 2026`. */
export function day(date: Date): string {
  return `${date.getUTCDate()} ${month(date)}`
}

/** Such as `Mar 2026`. */
export function month(date: Date): string {
  return `${months[date.getUTCMonth()]} ${year(date)}`
}

/** Such as `2026`. */
export function year(date: Date): string {
  return String(date.getUTCFullYear())
}

/** A moment, such as `3 Mar 2026, 14:05 UTC`. */
export function moment(date: Date): string {
  return `${day(date)}, ${date.toISOString().slice(-13, -8)} UTC`
}

function isOutOfScale(value: number): boolean {
  const size = Math.abs(value)
  return value !== 0 && (size >= 1e15 || size < 1e-4)
}
