import { deflateSync } from 'node:zlib'
import test from 'ava'
import sharp from 'sharp'
import { processFile } from '../../../../workers/files.ts'
import { folderOf, store } from '../subject.ts'
import { chunk, exifBlock, short, withChunks } from './blocks.ts'

function png() {
  return sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
}

/** A GIF of so many frames of one pixel, of 15 bytes each. */
function gif(frames: number): Buffer {
  const header = Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1')
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0])
  return Buffer.concat([header, Buffer.alloc(frames * frame.length, frame), Buffer.from([0x3b])])
}

function riff(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return Buffer.concat([Buffer.from(type), length, content])
}

/** An animated WebP of so many frames that are headers only. */
function webp(frames: number): Buffer {
  const extended = riff('VP8X', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
  const frame = riff('ANMF', Buffer.alloc(16))
  const chunks = [extended, riff('ANIM', Buffer.alloc(6)), Buffer.alloc(frames * frame.length, frame)]
  return riff('RIFF', Buffer.concat([Buffer.from('WEBP'), ...chunks]))
}

/** A TIFF of so many pages of one grey pixel. */
function tiff(pages: number): Buffer {
  const size = 2 + 12 * 9 + 4
  const entries = [256, 257, 258, 259, 262, 273, 277, 278, 279].map((tag) =>
    short(tag, tag === 258 ? 8 : tag === 273 ? 4 : 1),
  )
  const page = exifBlock(entries).subarray(8, 8 + size - 4)
  page.writeUInt16LE(9)
  const all = Buffer.alloc(8 + pages * size)
  all.write('II*\0\x08\0\0\0', 'latin1')
  for (let index = 0; index < pages; index++) {
    const at = 8 + index * size
    page.copy(all, at)
    all.writeUInt32LE(index === pages - 1 ? 0 : at + size, at + size - 4)
  }
  return all
}

test('frames and pages by the ten thousand are refused before a library counts them', async (t) => {
  for (const content of [gif(10_001), webp(10_001), tiff(10_001)]) {
    const file = await store(t, content)
    await t.throwsAsync(processFile(file), {
      code: 'IMAGE_TOO_LARGE',
      message: 'Expected at most 10000 frames or pages, got more',
    })
    t.deepEqual(await folderOf(file), ['original'])
  }
})

test('as many frames as are allowed show the first one', async (t) => {
  const { image, variants } = await processFile(await store(t, gif(10_000)))
  t.like(image, { width: 1, height: 1, animation: { frames: 10_000, animatedThumbnails: false } })
  t.is(variants.length, 2)
})

test('a TIFF tells its pages and shows the first', async (t) => {
  const { image, variants } = await processFile(await store(t, tiff(3)))
  t.like(image, { format: 'tiff', width: 1, height: 1, pages: 3 })
  t.is(variants.length, 2)
})

test('a TIFF whose pages go round in a circle ends', async (t) => {
  const content = tiff(3)
  content.writeUInt32LE(8, content.length - 4)
  const file = await store(t, content)
  // The decoder may take it or leave it.
  const result = await processFile(file).catch((error: unknown) => error)
  t.like(result, result instanceof Error ? { code: 'BROKEN_IMAGE' } : { image: { pages: 3 } })
})

const kilobyte = Buffer.alloc(1_024, 'a')
const bomb = deflateSync(Buffer.alloc(20 * 1024 * 1024, 'a'))
const zipped = chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), bomb]))
const international = chunk('iTXt', Buffer.concat([Buffer.from('Comment\0\x01\0en\0Comment\0'), bomb]))

test('texts of a PNG that inflate past all bounds are refused before they are kept', async (t) => {
  const plain = await png()
  for (const chunks of [
    [zipped, zipped],
    [zipped, international],
    [chunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(33 * 1024 * 1024, 'a')]))],
  ]) {
    const file = await store(t, withChunks(plain, ...chunks))
    await t.throwsAsync(processFile(file), {
      code: 'IMAGE_TOO_LARGE',
      message: 'Expected at most 33554432 bytes of text in a PNG, got more',
    })
  }
})

test('texts of a PNG within bounds, or broken, are no error', async (t) => {
  const plain = await png()
  const broken = chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), kilobyte]))
  for (const chunks of [
    [zipped],
    [broken],
    [chunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), kilobyte]))],
    [chunk('zTXt', Buffer.alloc(0))],
  ]) {
    const { image } = await processFile(await store(t, withChunks(plain, ...chunks)))
    t.like(image, { width: 20, height: 10 })
  }
})

test('an animated PNG tells its frames and shows the first', async (t) => {
  const plain = await png()
  const control = Buffer.alloc(8)
  control.writeUInt32BE(2)
  control.writeUInt32BE(5, 4)
  const frame = (sequence: number, above: number, below: number) => {
    const content = Buffer.alloc(26)
    for (const [at, value] of [sequence, 20, 10, 0, 0].entries()) content.writeUInt32BE(value, 4 * at)
    content.writeUInt16BE(above, 20)
    content.writeUInt16BE(below, 22)
    return chunk('fcTL', content)
  }
  const pixels = plain.indexOf('IDAT')
  const data = plain.subarray(pixels + 4, pixels + 4 + plain.readUInt32BE(pixels - 4))
  const second = chunk('fdAT', Buffer.concat([Buffer.from([0, 0, 0, 2]), data]))
  const content = Buffer.concat([
    withChunks(plain.subarray(0, -12), chunk('acTL', control), frame(0, 1, 4)),
    frame(1, 50, 0),
    second,
    plain.subarray(-12),
  ])
  const { kind, image, variants } = await processFile(await store(t, content))
  t.is(kind?.extension, 'apng')
  t.like(image, {
    format: 'png',
    width: 20,
    height: 10,
    animation: { frames: 2, loops: 5, duration: 750, animatedThumbnails: false },
  })
  t.is(variants.length, 2)
})
