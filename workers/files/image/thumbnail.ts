import { rethrow } from './failure.ts'
import { pipeline, type ReducedImage } from './reduced.ts'

/** Past it sharp refuses a delay, in milliseconds, and a number of loops. */
const most = 65_535

/** What WebP needs to know of an animation; the delays are milliseconds. */
export interface Playing {
  delays: readonly number[]
  /** 0 for ever. */
  loops: number
}

/** The thumbnail that every program shows: JPEG of quality 80, or PNG where something shines through. */
export function encodeClassic(still: ReducedImage, transparent: boolean): Promise<Buffer> {
  const image = pipeline(still)
  return (transparent ? image.png() : image.jpeg({ quality: 80, mozjpeg: false })).toBuffer().catch(rethrow)
}

/** The thumbnail for browsers: WebP of quality 80; an animation if the image has several frames. */
export function encodeWebp(image: ReducedImage, playing: Playing): Promise<Buffer> {
  // A third less time for the whole photo than at effort 4, sharp's default, and at most 5% more bytes.
  const still = { quality: 80, effort: 2 }
  const delay = playing.delays.map((milliseconds) => Math.min(milliseconds, most))
  const options = image.frames === 1 ? still : { ...still, delay, loop: Math.min(playing.loops, most) }
  return pipeline(image).webp(options).toBuffer().catch(rethrow)
}
