import { fileError } from '../../error.ts'

/** Of a file's frames or pages: no animation or scan has as many, and libraries keep a note of each in memory. */
const maxFrames = 10_000

/** Throws IMAGE_TOO_LARGE for the frame, or page, past the last that is allowed. */
export function checkFrames(frames: number): void {
  if (frames <= maxFrames) return
  throw fileError('IMAGE_TOO_LARGE', `Expected at most ${maxFrames} frames or pages, got more`)
}
