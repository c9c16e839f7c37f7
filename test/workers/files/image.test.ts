import { readFile } from 'node:fs/promises'
import type { StoredFile } from 'afterwork/worker'
import { crc32 } from 'node:zlib'
import test from 'ava'
import sharp, { type SharpOptions } from 'sharp'
import { processFile } from '../../../workers/files.ts'
import { chunk, exifBlock, short, withChunks, withSegment } from './image/blocks.ts'
import { folderOf, runningTask, sha256, store } from './subject.ts'

function plain(width: number, height: number, background = 'red') {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** No two pixels alike, so that a truncated copy lacks something that matters. */
function noisy(width: number, height: number) {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { width, height, channels: 3, background: 'black', noise } })
}

/** Frames of one grey each, one below the other. */
function frames(width: number, height: number, ...greys: number[]) {
  const pixels = Buffer.concat(greys.map((grey) => Buffer.alloc(width * height * 3, grey)))
  const raw = { width, height: height * greys.length, channels: 3, pageHeight: height } as const
  return sharp(pixels, { raw })
}

function read(file: StoredFile, variant: string, options: SharpOptions = {}) {
  return sharp(`${file.path}.${variant}`, options)
}

async function pixelsOf(file: StoredFile, variant: string, options: SharpOptions = {}) {
  return read(file, variant, options).raw().toBuffer({ resolveWithObject: true })
}

function shapes(variants: readonly { name: string; width?: number; height?: number }[]) {
  return variants.map(({ name, width, height }) => [name, width, height])
}

test('a photo gives its upright size and thumbnails of two formats, and stays as it was', async (t) => {
  const right = await plain(2000, 3000, 'blue').png({ compressionLevel: 1 }).toBuffer()
  const photo = await plain(4000, 3000)
    .composite([{ input: right, left: 2000, top: 0 }])
    .withMetadata({ orientation: 6, density: 300 })
    .jpeg()
    .toBuffer()
  const file = await store(t, photo)

  const result = await processFile(file)

  t.like(result, { id: 'original', name: 'holiday.jpg', size: photo.length, sha256: sha256(photo) })
  t.deepEqual(result.kind, { family: 'image', extension: 'jpg', mime: 'image/jpeg' })
  t.deepEqual(result.image, {
    width: 3000,
    height: 4000,
    format: 'jpeg',
    channels: 3,
    hasAlpha: false,
    space: 'srgb',
    bits: 8,
    density: 300,
    orientation: 6,
  })
  t.deepEqual(shapes(result.variants), [
    ['w160.jpg', 160, 213],
    ['w160.webp', 160, 213],
    ['w640.jpg', 640, 853],
    ['w640.webp', 640, 853],
    ['w1280.jpg', 1280, 1707],
    ['w1280.webp', 1280, 1707],
  ])
  for (const variant of result.variants) {
    const content = await readFile(`${file.path}.${variant.name}`)
    const { format, width, height } = await sharp(content).metadata()
    t.deepEqual(
      [format, width, height, content.length],
      [variant.name.endsWith('jpg') ? 'jpeg' : 'webp', variant.width, variant.height, variant.size],
    )
    const { data } = await pixelsOf(file, variant.name)
    const [topRight, bottomLeft] = [3 * (width - 1), 3 * width * (height - 1)]
    t.true(
      data[topRight]! > 200 && data[bottomLeft + 2]! > 200,
      'the red left half is now the top, blue the bottom',
    )
  }
  t.deepEqual(await readFile(file.path), photo)
  t.is((await folderOf(file)).length, 7, 'nothing temporary is left')
  t.deepEqual(JSON.parse(JSON.stringify(result)), result)
})

const secret = 'Nobody may read this'
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>${secret}</note></x:xmpmeta>`
const tags = {
  IFD0: { Make: secret, Copyright: secret },
  IFD3: {
    GPSLatitudeRef: 'N',
    GPSLatitude: '51/1 30/1 0/1',
    GPSLongitudeRef: 'W',
    GPSLongitude: '0/1 7/1 0/1',
  },
}

test('nothing of what an image carries beside its pixels is in its thumbnails', async (t) => {
  const colour = '#c86432'
  const iptc = Buffer.concat([
    Buffer.from('Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x19\x1c\x02\x78\0\x14', 'latin1'),
    Buffer.from(`${secret}\0`),
  ])
  const jpeg = await plain(300, 200, colour)
    .withExif(tags)
    .withXmp(xmp)
    .withIccProfile('p3')
    .jpeg()
    .toBuffer()
  const background = { r: 200, g: 100, b: 50, alpha: 0.5 }
  const png = await sharp({ create: { width: 300, height: 200, channels: 4, background } })
    .withExif(tags)
    .withXmp(xmp)
    .withIccProfile('p3')
    .png()
    .toBuffer()
  const photo = withSegment(withSegment(jpeg, 0xed, iptc), 0xfe, Buffer.from(secret))
  const drawing = withChunks(png, chunk('tEXt', Buffer.from(`Comment\0${secret}`)))
  for (const content of [photo, drawing]) {
    const before = await sharp(content).metadata()
    t.truthy(before.exif && before.xmp && before.icc && (before.iptc ?? before.comments))
    const file = await store(t, content)
    const { image, variants } = await processFile(file, { widths: [90] })
    t.like(image?.capture, { make: secret, gps: { latitude: 51.5 } })
    t.is(variants.length, 2)
    for (const { name } of variants) {
      const { exif, xmp, icc, iptc, comments, orientation } = await read(file, name).metadata()
      t.deepEqual([exif, xmp, icc, iptc, comments, orientation], Array(6).fill(undefined), name)
      const bytes = await readFile(`${file.path}.${name}`)
      for (const trace of [secret, 'Exif', 'xmpmeta', 'ICC_PROFILE', 'iCCP', 'tEXt', '8BIM']) {
        t.false(bytes.includes(trace), `${trace} in ${name}`)
      }
      const { data } = await pixelsOf(file, name)
      for (const [channel, expected] of [200, 100, 50].entries()) {
        t.true(Math.abs(data[channel]! - expected) <= 4, `${name} is in sRGB: ${data[channel]}`)
      }
    }
  }
})

test('what shines through still does, in PNG and WebP', async (t) => {
  const background = { r: 0, g: 255, b: 0, alpha: 0.5 }
  const image = sharp({ create: { width: 800, height: 400, channels: 4, background } })
  const file = await store(t, await image.png().toBuffer())
  const result = await processFile(file, { widths: [200] })
  t.like(result.image, { format: 'png', channels: 4, hasAlpha: true })
  t.deepEqual(shapes(result.variants), [
    ['w200.png', 200, 100],
    ['w200.webp', 200, 100],
  ])
  for (const { name } of result.variants) {
    const { data, info } = await pixelsOf(file, name)
    t.deepEqual([info.width, info.height, info.channels], [200, 100, 4])
    t.true(Math.abs(data[3]! - 128) <= 2)
  }
})

test('a thumbnail is a JPEG where nothing shines through, though it could', async (t) => {
  for (const image of [noisy(80, 60).ensureAlpha(1).png(), plain(80, 60).gif()]) {
    const { image: description, variants } = await processFile(await store(t, await image.toBuffer()))
    t.true(description?.hasAlpha)
    t.deepEqual(
      variants.map(({ name }) => name),
      ['w80.jpg', 'w80.webp'],
    )
  }
})

test('grey, CMYK, 16-bit, palette and 1-bit images keep their colours, and say how they store them', async (t) => {
  for (const [image, space, bits, channels] of [
    [plain(300, 300, '#808080').toColourspace('b-w').png(), 'b-w', 8, 1],
    [plain(300, 300, '#b06020').toColourspace('rgb16').png(), 'rgb16', 16, 3],
    [plain(300, 300, '#b06020').toColourspace('cmyk').jpeg(), 'cmyk', 8, 4],
    [plain(300, 300, '#b06020').png({ palette: true, colours: 4 }), 'srgb', 2, 3],
    [plain(300, 300, '#fff').toColourspace('b-w').tiff({ bitdepth: 1 }), 'b-w', 1, 1],
    [plain(300, 300, '#b06020').tiff({ compression: 'lzw' }), 'srgb', 8, 3],
  ] as const) {
    const file = await store(t, await image.toBuffer())
    const result = await processFile(file, { widths: [30] })
    t.like(result.image, { space, bits, channels, hasAlpha: false })
    const expected = await sharp(file.path).toColourspace('srgb').raw().toBuffer()
    for (const name of ['w30.jpg', 'w30.webp']) {
      const actual = await read(file, name).toColourspace('srgb').raw().toBuffer()
      for (const channel of [0, 1, 2]) t.true(Math.abs(actual[channel]! - expected[channel]!) <= 4, name)
    }
  }
})

for (const format of ['webp', 'avif', 'gif', 'tiff'] as const) {
  test(`an image in ${format} gets thumbnails`, async (t) => {
    const result = await processFile(await store(t, await plain(300, 200).toFormat(format).toBuffer()), {
      widths: [90],
    })
    t.is(result.kind?.mime, `image/${format}`)
    t.like(result.image, { width: 300, height: 200, format })
    t.false('animation' in result.image! || 'pages' in result.image!)
    t.deepEqual(shapes(result.variants), [
      ['w90.jpg', 90, 60],
      ['w90.webp', 90, 60],
    ])
  })
}

for (const format of ['gif', 'webp'] as const) {
  test(`a ${format} that moves does so as a WebP, and shows its first frame as a JPEG`, async (t) => {
    const options = { delay: [100, 200, 700], loop: 3 }
    const animation = frames(80, 60, 0, 128, 255)
    const file = await store(t, await animation.toFormat(format, options).toBuffer())
    const result = await processFile(file, { widths: [20, 40, 80] })
    t.like(result.image, {
      width: 80,
      height: 60,
      animation: { frames: 3, loops: 3, duration: 1000, animatedThumbnails: true },
    })
    for (const [width, height] of [
      [20, 15],
      [40, 30],
      [80, 60],
    ] as const) {
      t.like(await read(file, `w${width}.webp`).metadata(), { ...options, pages: 3, width, height })
      const { data, info } = await pixelsOf(file, `w${width}.webp`, { animated: true })
      for (const [frame, grey] of [0, 128, 255].entries()) {
        const middle = Math.floor((frame + 0.5) * height) * width * info.channels
        t.true(Math.abs(data[middle]! - grey) <= 8, `frame ${frame} of w${width}: ${data[middle]}`)
      }
      t.like(await read(file, `w${width}.jpg`).metadata(), { format: 'jpeg', width, height })
      t.true((await pixelsOf(file, `w${width}.jpg`)).data[0]! < 10)
    }
    t.deepEqual(
      shapes(result.variants).filter(([name]) => name === 'w40.webp'),
      [['w40.webp', 40, 30]],
    )
  })
}

test('a delay that is longer than sharp takes is shortened, not refused', async (t) => {
  const webp = await frames(8, 6, 0, 255)
    .webp({ delay: [100, 100] })
    .toBuffer()
  // Of the second frame: 24 bits of milliseconds, after its place and size.
  webp.writeUIntLE(100_000, webp.lastIndexOf('ANMF') + 20, 3)
  const file = await store(t, webp)
  const { image } = await processFile(file)
  t.like(image?.animation, { duration: 100_100, animatedThumbnails: true })
  t.deepEqual((await read(file, 'w8.webp').metadata()).delay, [100, 65_535])
})

test('an animation past the bounds shows its first frame, and says so', async (t) => {
  const long = Array.from({ length: 501 }, (_, index) => 255 * (index % 2))
  for (const [animation, count] of [
    [frames(4, 4, ...long), 501],
    [frames(3000, 2000, ...long.slice(0, 9)), 9],
  ] as const) {
    const file = await store(t, await animation.gif({ effort: 1 }).toBuffer())
    const { image, variants } = await processFile(file, { widths: [4] })
    t.like(image?.animation, { frames: count, animatedThumbnails: false })
    t.is((await read(file, 'w4.webp').metadata()).pages, undefined)
    t.is(variants.length, 2)
  }
})

test('an animation that lies on its side is set upright, and shows its first frame', async (t) => {
  const content = await frames(40, 20, 0, 255).withMetadata({ orientation: 6 }).webp().toBuffer()
  const file = await store(t, content)
  const { image, variants } = await processFile(file)
  t.like(image, { width: 20, height: 40, orientation: 6, animation: { animatedThumbnails: false } })
  t.like(variants, [
    { width: 20, height: 40 },
    { width: 20, height: 40 },
  ])
})

test('an image is never enlarged, and widths beyond its own become one', async (t) => {
  const small = await processFile(await store(t, await plain(100, 50).png().toBuffer()))
  t.deepEqual(shapes(small.variants), [
    ['w100.jpg', 100, 50],
    ['w100.webp', 100, 50],
  ])
  const medium = await processFile(await store(t, await plain(500, 50).png().toBuffer()), {
    widths: [900, 160, 600, 160],
  })
  t.deepEqual(
    medium.variants.map(({ name }) => name),
    ['w160.jpg', 'w160.webp', 'w500.jpg', 'w500.webp'],
  )
})

test('an image taller than webp allows gets narrower thumbnails', async (t) => {
  const { variants } = await processFile(await store(t, await plain(100, 20_000).png().toBuffer()), {
    widths: [20, 100],
  })
  t.deepEqual(shapes(variants), [
    ['w20.jpg', 20, 4000],
    ['w20.webp', 20, 4000],
    ['w81.jpg', 81, 16_200],
    ['w81.webp', 81, 16_200],
  ])
})

test('an image of one row, or one column, has thumbnails', async (t) => {
  for (const [width, height, small] of [
    [30_000, 1, [1000, 1]],
    [1, 30_000, [1, 16_383]],
    [1, 1, [1, 1]],
  ] as const) {
    const { image, variants } = await processFile(
      await store(t, await plain(width, height).png().toBuffer()),
      { widths: [1000] },
    )
    t.like(image, { width, height })
    t.deepEqual(
      variants.map((variant) => [variant.width, variant.height]),
      [small, small],
    )
  }
})

test('no widths, no thumbnails', async (t) => {
  const result = await processFile(await store(t, await plain(100, 50).png().toBuffer()), { widths: [] })
  t.like(result.image, { width: 100, height: 50 })
  t.deepEqual(result.variants, [])
})

test('an svg is refused, whatever it calls itself', async (t) => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><image href="/etc/hostname"/></svg>'
  for (const content of [svg, `<?xml version="1.0"?>\n<!-- a logo -->${svg}`]) {
    const file = await store(t, content, { name: 'logo.png', type: 'image/png' })
    await t.throwsAsync(processFile(file), {
      code: 'SVG_REFUSED',
      message: 'Expected an image made of pixels, got an SVG, which may hold scripts and links',
    })
    t.deepEqual(await folderOf(file), ['original'])
  }
})

for (const format of ['jpeg', 'png', 'webp', 'avif', 'gif'] as const) {
  test(`half an image in ${format} fails with BROKEN_IMAGE and leaves no thumbnail`, async (t) => {
    const whole = await noisy(160, 120).toFormat(format).toBuffer()
    const file = await store(t, whole.subarray(0, whole.length / 2))
    const error = await t.throwsAsync(processFile(file), { code: 'BROKEN_IMAGE' })
    t.true(error?.cause instanceof Error)
    t.false(error?.message.includes(file.path))
    t.deepEqual(await folderOf(file), ['original'])
  })
}

for (const format of ['gif', 'webp'] as const) {
  test(`an animated ${format} that ends within a frame fails with BROKEN_IMAGE and leaves no thumbnail`, async (t) => {
    const pixels = await noisy(100, 400).raw().toBuffer()
    const raw = { width: 100, height: 400, channels: 3, pageHeight: 100 } as const
    const whole = await sharp(pixels, { raw }).toFormat(format).toBuffer()
    for (const share of [0.2, 0.4, 0.6, 0.9]) {
      const file = await store(t, whole.subarray(0, whole.length * share))
      await t.throwsAsync(processFile(file), { code: 'BROKEN_IMAGE' }, `${share}`)
      t.deepEqual(await folderOf(file), ['original'])
    }
  })
}

test('a TIFF without its pixels fails with BROKEN_IMAGE', async (t) => {
  const tags = [256, 257, 258, 259, 262, 273, 277, 278, 279]
  const values = [100, 100, 8, 1, 1, 8, 1, 100, 10_000]
  const file = await store(t, exifBlock(tags.map((tag, index) => short(tag, values[index]!))))
  await t.throwsAsync(processFile(file), { code: 'BROKEN_IMAGE' })
})

test('an image that is only a signature fails with BROKEN_IMAGE', async (t) => {
  const signature = Buffer.from([0xff, 0xd8, 0xff, 0xe0])
  await t.throwsAsync(processFile(await store(t, Buffer.concat([signature, Buffer.alloc(500)]))), {
    code: 'BROKEN_IMAGE',
  })
})

test('an image that is only a line, but a very long one, is refused', async (t) => {
  const png = await plain(1, 1).png().toBuffer()
  png.writeUInt32BE(14_000_000, 16)
  png.writeInt32BE(crc32(png.subarray(12, 29)) | 0, 29)
  await t.throwsAsync(processFile(await store(t, png)), {
    code: 'IMAGE_TOO_LARGE',
    message: /65535 pixels a side, got 14000000 x 1/,
  })
})

test('a decompression bomb is refused before a pixel of it is decoded', async (t) => {
  const bomb = await plain(8000, 8000).png().toBuffer()
  t.true(bomb.length < 1_000_000)
  for (const content of [bomb, bomb.subarray(0, bomb.length / 2)]) {
    const file = await store(t, content)
    await t.throwsAsync(processFile(file), {
      code: 'IMAGE_TOO_LARGE',
      message: /50000000 pixels, got 8000 x 8000/,
    })
  }
})

test("a stopped attempt ends with the signal's reason, between whole thumbnails", async (t) => {
  const reason = new Error('stopping')
  const file = await store(t, await plain(800, 600).jpeg().toBuffer())
  const task = runningTask((_, message) => {
    if (message === 'thumbnail 640') task.stop(reason)
  })
  t.is(await t.throwsAsync(task.run(() => processFile(file))), reason)
  t.deepEqual((await folderOf(file)).sort(), [
    'original',
    'original.w160.jpg',
    'original.w160.webp',
    'original.w640.jpg',
  ])
  t.is((await read(file, 'w640.jpg').metadata()).height, 480)
})
