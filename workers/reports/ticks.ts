/** Steps that people count by, as multiples of a power of ten. */
const steps = [1, 2, 2.5, 5, 10]

/**
 * The smallest step a person counts by (1, 2, 2.5 or 5 times a power of ten) that covers `range` in at most `count` steps.
 * Heckbert, Nice numbers for graph labels, Graphics Gems (1990); 2.5 is for histograms, whose steps may not vary much.
 * @param whole only steps that are whole numbers
 */
export function niceStep(range: number, count: number, whole = false): number {
  const raw = range / count
  const power = 10 ** Math.floor(Math.log10(raw))
  // A hair of room: 0.3 / 0.1 is a little less than 3.
  const step = steps.find((one) => one * power >= raw * (1 - 1e-9))! * power
  if (!whole || Number.isInteger(step)) return step
  return step < 1 ? 1 : Math.ceil(step / 5) * 5
}

/**
 * Round places from at or below `min` to at or above `max`, both finite and different, some `count` of them.
 * @param whole only whole numbers
 */
export function niceTicks(min: number, max: number, count: number, whole = false): number[] {
  const step = niceStep(max - min, count, whole)
  const first = Math.floor(min / step + 1e-9)
  const last = Math.ceil(max / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, index) => tidy((first + index) * step, step))
}

/** A multiple of a step without what binary fractions leave behind: 0.30000000000000004 is 0.3. */
export function tidy(value: number, step: number): number {
  const digits = 2 - Math.floor(Math.log10(step))
  return digits < 0 || digits > 100 ? value : Number(value.toFixed(digits))
}
