import { numberOf, textOf } from './exif-value.ts'
import { readExif, type Exif } from './exif.ts'
import { positionOf, positionTags, realTime, type Position } from './position.ts'
import { blockSource, type Source } from './source.ts'

/** What the camera, or a program after it, wrote down; texts have 200 characters at most. */
export interface Capture {
  /** Of the camera. */
  make?: string
  /** Of the camera. */
  model?: string
  lens?: string
  /** The camera's clock, such as `2024-05-01T12:30:00`; with `+02:00` behind it where the camera knew its zone. */
  takenAt?: string
  /** Seconds. */
  exposureTime?: number
  fNumber?: number
  iso?: number
  /** Millimetres. */
  focalLength?: number
  /** Millimetres of the lens that sees as much on 35 mm film. */
  focalLength35?: number
  /** Whether it fired. */
  flash?: boolean
  software?: string
  artist?: string
  copyright?: string
  gps?: Position
}

const image = { make: 0x010f, model: 0x0110, software: 0x0131, artist: 0x013b, copyright: 0x8298 }
const photo = {
  exposureTime: 0x829a,
  fNumber: 0x829d,
  iso: 0x8827,
  taken: 0x9003,
  digitized: 0x9004,
  zoneTaken: 0x9011,
  zoneDigitized: 0x9012,
  flash: 0x9209,
  focalLength: 0x920a,
  focalLength35: 0xa405,
  lensMake: 0xa433,
  lensModel: 0xa434,
}
const wanted = {
  image: new Set(Object.values(image)),
  photo: new Set(Object.values(photo)),
  gps: positionTags,
}

/** An EXIF block as sharp gives it: with or without the `Exif` that JPEG puts before it. */
export function exifSource(block: Buffer): Source {
  return blockSource(block.toString('latin1', 0, 6) === 'Exif\0\0' ? block.subarray(6) : block)
}

/** What is known of how a picture was taken; undefined if nothing is, or nothing can be read, which is no error. */
export async function captureOf(source: Source): Promise<Capture | undefined> {
  const exif = await readExif(source, wanted)
  if (exif === undefined) return undefined
  const facts = {
    make: textOf(exif.image.get(image.make)),
    model: textOf(exif.image.get(image.model)),
    lens: lensOf(exif),
    takenAt: timeOf(exif, photo.taken, photo.zoneTaken) ?? timeOf(exif, photo.digitized, photo.zoneDigitized),
    exposureTime: positive(exif, photo.exposureTime, 7),
    fNumber: positive(exif, photo.fNumber, 2),
    iso: positive(exif, photo.iso, 0),
    focalLength: positive(exif, photo.focalLength, 2),
    focalLength35: positive(exif, photo.focalLength35, 0),
    flash: flashOf(exif),
    software: textOf(exif.image.get(image.software)),
    artist: textOf(exif.image.get(image.artist)),
    copyright: textOf(exif.image.get(image.copyright)),
    gps: positionOf(exif.gps),
  }
  const known = Object.entries(facts).filter(([, fact]) => fact !== undefined)
  return known.length === 0 ? undefined : (Object.fromEntries(known) as Capture)
}

function lensOf({ photo: tags }: Exif): string | undefined {
  const [make, model] = [textOf(tags.get(photo.lensMake)), textOf(tags.get(photo.lensModel))]
  // Most models begin with their maker's name.
  return make === undefined || model?.startsWith(make) ? model : [make, model].join(' ').trim()
}

/** Zero stands for unknown in all of them; what is not finite is broken. */
function positive({ photo: tags }: Exif, tag: number, digits: number): number | undefined {
  const number = numberOf(tags.get(tag))
  return number !== undefined && number > 0 ? Number(number.toFixed(digits)) || undefined : undefined
}

function flashOf({ photo: tags }: Exif): boolean | undefined {
  const flash = numberOf(tags.get(photo.flash))
  return flash === undefined ? undefined : (flash & 1) === 1
}

function timeOf({ photo: tags }: Exif, time: number, zone: number): string | undefined {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)/.exec(textOf(tags.get(time)) ?? '')
  if (match === null) return undefined
  const [, year, month, day, clock] = match
  const offset = /^(?:[+-](?:0\d|1[0-4]):[0-5]\d|Z)$/.exec(textOf(tags.get(zone)) ?? '')?.[0] ?? ''
  return realTime(`${year}-${month}-${day}T${clock}`, offset)
}
