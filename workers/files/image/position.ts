import { numberOf, textOf } from './exif-value.ts'
import type { Exif, ExifValue } from './exif.ts'

/** Where a photo was taken. */
export interface Position {
  /** Degrees, south is negative. */
  latitude: number
  /** Degrees, west is negative. */
  longitude: number
  /** Metres above sea level. */
  altitude?: number
  /** When the satellites were asked, in UTC, such as `2024-05-01T10:30:00Z`. */
  takenAt?: string
}

const tag = {
  latitudeRef: 1,
  latitude: 2,
  longitudeRef: 3,
  longitude: 4,
  altitudeRef: 5,
  altitude: 6,
  time: 7,
  date: 0x1d,
}

/** The tags of the GPS directory that positionOf() looks at. */
export const positionTags: ReadonlySet<number> = new Set(Object.values(tag))

/** No aeroplane flies as high, in metres. */
const highest = 100_000

/** The position, if it is whole and makes sense; without its hemispheres it could be any of four. */
export function positionOf(gps: Exif['gps']): Position | undefined {
  const latitude = degrees(gps.get(tag.latitude), gps.get(tag.latitudeRef), 'N', 'S', 90)
  const longitude = degrees(gps.get(tag.longitude), gps.get(tag.longitudeRef), 'E', 'W', 180)
  if (latitude === undefined || longitude === undefined) return undefined
  // Both zero is what is written when there was no signal, not a place in the Atlantic.
  if (latitude === 0 && longitude === 0) return undefined
  const altitude = altitudeOf(gps)
  const takenAt = timeOf(gps)
  return {
    latitude,
    longitude,
    ...(altitude !== undefined && { altitude }),
    ...(takenAt !== undefined && { takenAt }),
  }
}

function degrees(
  value: ExifValue | undefined,
  ref: ExifValue | undefined,
  positive: string,
  negative: string,
  limit: number,
): number | undefined {
  const hemisphere = textOf(ref)?.toUpperCase()
  if (hemisphere !== positive && hemisphere !== negative) return undefined
  if (value === undefined || Buffer.isBuffer(value)) return undefined
  // Cameras that give no seconds, or no minutes, write 0/0 for them.
  const [whole = NaN, minutes, seconds] = value.map((part, index) =>
    index > 0 && Number.isNaN(part) ? 0 : part,
  )
  const parts = [whole, minutes ?? 0, seconds ?? 0]
  if (!parts.every((part, index) => part >= 0 && (index === 0 || part <= 60))) return undefined
  const angle = parts[0]! + parts[1]! / 60 + parts[2]! / 3_600
  if (angle > limit) return undefined
  // The seventh digit is a centimetre.
  return round(hemisphere === negative ? -angle : angle, 7)
}

function altitudeOf(gps: Exif['gps']): number | undefined {
  const metres = numberOf(gps.get(tag.altitude))
  if (metres === undefined || Math.abs(metres) > highest) return undefined
  return round(numberOf(gps.get(tag.altitudeRef)) === 1 ? -metres : metres, 2)
}

function timeOf(gps: Exif['gps']): string | undefined {
  const date = /^(\d{4})[:-](\d\d)[:-](\d\d)$/.exec(textOf(gps.get(tag.date)) ?? '')
  const time = gps.get(tag.time)
  if (date === null || time === undefined || Buffer.isBuffer(time) || time.length < 3) return undefined
  const [hours, minutes, seconds] = time.map((part) => String(Math.floor(part)).padStart(2, '0'))
  return realTime(`${date[1]}-${date[2]}-${date[3]}T${hours}:${minutes}:${seconds}`, 'Z')
}

/** A local time with its zone, or undefined if no calendar has it: the thirtieth of February, or all zeros. */
export function realTime(local: string, zone: string): string | undefined {
  const time = Date.parse(`${local}Z`)
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== local) return undefined
  return `${local}${zone}`
}

function round(number: number, digits: number): number {
  // Not -0, which JSON has none of.
  return Number(number.toFixed(digits)) || 0
}
