import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { fileError } from '../../error.ts'
import type { Source } from '../source.ts'
import { checkFrames } from './frames.ts'

const inflated = promisify(inflate)

/** Bytes of all texts and colour profiles of a PNG, inflated: a megabyte of them may become a gigabyte, and all is kept. */
const maxTexts = 32 * 1024 * 1024

/** What a PNG says of its frames, if it is animated. */
export interface PngAnimation {
  frames: number
  /** How often it plays; 0 for ever. */
  loops: number
  /** Milliseconds. */
  duration: number
}

/**
 * Goes through the chunks of a PNG, without decoding a pixel (W3C PNG, third edition).
 * @throws IMAGE_TOO_LARGE for too many frames, or too much text; what is broken is left to the decoder
 */
export async function readPng(source: Source): Promise<PngAnimation | undefined> {
  let animation: PngAnimation | undefined
  let texts = 0
  for (let at = 8; ;) {
    const header = await source.read(at, 8)
    if (header.length < 8) break
    const length = header.readUInt32BE(0)
    const type = header.toString('latin1', 4, 8)
    const data = (limit: number) => source.read(at + 8, Math.min(length, limit))
    if (type === 'IEND') break
    if (/^(?:tEXt|zTXt|iTXt|iCCP)$/.test(type)) {
      texts += length > maxTexts ? length : await textSize(type, await data(maxTexts), maxTexts - texts)
      if (texts > maxTexts) throw tooMuchText()
    } else if (type === 'acTL') {
      const control = await data(8)
      if (control.length === 8) animation ??= { frames: 0, loops: control.readUInt32BE(4), duration: 0 }
    } else if (type === 'fcTL' && animation !== undefined) {
      const control = await data(26)
      if (control.length === 26) count(animation, control)
    }
    at += 12 + length
  }
  if (animation === undefined) return undefined
  return { ...animation, duration: Math.round(animation.duration) }
}

function count(animation: PngAnimation, control: Buffer): void {
  checkFrames(++animation.frames)
  // A second has a hundred parts where the denominator is zero.
  animation.duration += (1_000 * control.readUInt16BE(20)) / (control.readUInt16BE(22) || 100)
}

/** Bytes of a text chunk's text, counted up to one more than the limit. */
async function textSize(type: string, data: Buffer, limit: number): Promise<number> {
  const keyword = data.indexOf(0) + 1
  if (type === 'tEXt' || keyword === 0) return data.length
  let start = keyword + 1
  if (type === 'iTXt') {
    if (data[keyword] !== 1) return data.length
    const language = data.indexOf(0, keyword + 2)
    start = data.indexOf(0, language + 1) + 1
  }
  try {
    return (await inflated(data.subarray(start), { maxOutputLength: Math.max(1, limit + 1) })).length
  } catch (error) {
    // What cannot be inflated is not kept by the decoder either.
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? limit + 1 : data.length
  }
}

function tooMuchText() {
  return fileError('IMAGE_TOO_LARGE', `Expected at most ${maxTexts} bytes of text in a PNG, got more`)
}
