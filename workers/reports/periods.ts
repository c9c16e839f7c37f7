import { day, month, year } from './format.ts'
import { niceStep } from './ticks.ts'

const dayMs = 86_400_000
/** Periods that a chart shows well. */
const maxPeriods = 62

/** A way of cutting time into pieces that are numbered without gaps, in UTC. */
export interface Unit {
  /** Such as `month` or `20 years`. */
  name: string
  /** The number of the piece in which a moment lies, in milliseconds since 1970. */
  indexOf(time: number): number
  /** Of the piece of this number, such as `Mar 2026`. */
  labelOf(index: number): string
}

const hours: Unit = {
  name: 'hour',
  indexOf: (time) => Math.floor(time / 3_600_000),
  labelOf: (index) => {
    const date = new Date(index * 3_600_000)
    return `${day(date)}, ${date.toISOString().slice(11, 16)}`
  },
}

const days: Unit = {
  name: 'day',
  indexOf: (time) => Math.floor(time / dayMs),
  labelOf: (index) => day(new Date(index * dayMs)),
}

/** Weeks begin on Monday; the first of 1970 was a Thursday. */
const weeks: Unit = {
  name: 'week',
  indexOf: (time) => Math.floor((time / dayMs + 3) / 7),
  labelOf: (index) => day(new Date((index * 7 - 3) * dayMs)),
}

const months: Unit = {
  name: 'month',
  indexOf: (time) => {
    const date = new Date(time)
    return date.getUTCFullYear() * 12 + date.getUTCMonth()
  },
  labelOf: (index) => month(dateOf(Math.floor(index / 12), index - 12 * Math.floor(index / 12))),
}

function years(size: number): Unit {
  return {
    name: size === 1 ? 'year' : `${size} years`,
    indexOf: (time) => Math.floor(new Date(time).getUTCFullYear() / size),
    labelOf: (index) => {
      const first = year(dateOf(index * size, 0))
      return size === 1 ? first : `${first}–${year(dateOf(index * size + size - 1, 0))}`
    },
  }
}

/** The finest unit that shows what lies between two moments, in milliseconds since 1970, in some sixty pieces. */
export function unitFor(min: number, max: number, withTime: boolean): Unit {
  const fine = withTime && max - min <= 2 * dayMs ? [hours] : []
  const fitting = [...fine, days, weeks, months, years(1)].find(
    (unit) => unit.indexOf(max) - unit.indexOf(min) < maxPeriods,
  )
  if (fitting !== undefined) return fitting
  const span = years(1).indexOf(max) - years(1).indexOf(min)
  return years(niceStep(span, maxPeriods - 1, true))
}

/** Date.UTC takes the years 0 to 99 for those of the last century. */
function dateOf(year: number, month: number): Date {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 1)
  return date
}
