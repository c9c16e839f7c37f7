import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import sharp from 'sharp'
import { processFile } from '../../workers/files.ts'
import { folderOf, runningTask, sha256, store } from './files/subject.ts'

function plain(width: number, height: number, background = 'red') {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** No two pixels alike, so that a truncated copy lacks something that matters. */
function noisy(width: number, height: number) {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { width, height, channels: 3, background: 'black', noise } })
}

test('a photo gives its upright size and three thumbnails without EXIF, and stays as it was', async (t) => {
  const right = await plain(2000, 3000, 'blue').png({ compressionLevel: 1 }).toBuffer()
  const photo = await plain(4000, 3000)
    .composite([{ input: right, left: 2000, top: 0 }])
    .withExif({ IFD0: { Make: 'A camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  t.true((await sharp(photo).metadata()).exif?.includes('A camera'))
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
    orientation: 6,
  })
  t.deepEqual(
    result.variants.map(({ name, width, height }) => [name, width, height]),
    [
      ['w160.webp', 160, 213],
      ['w640.webp', 640, 853],
      ['w1280.webp', 1280, 1707],
    ],
  )
  for (const variant of result.variants) {
    const content = await readFile(`${file.path}.${variant.name}`)
    const { format, width, height, exif, orientation } = await sharp(content).metadata()
    t.deepEqual(
      [format, width, height, content.length],
      ['webp', variant.width, variant.height, variant.size],
    )
    t.is(exif, undefined)
    t.is(orientation, undefined)
    const { data } = await sharp(content).raw().toBuffer({ resolveWithObject: true })
    const [topRight, bottomLeft] = [3 * (width - 1), 3 * width * (height - 1)]
    t.true(
      data[topRight]! > 200 && data[bottomLeft + 2]! > 200,
      'the red left half is now the top, blue the bottom',
    )
  }
  t.deepEqual(await readFile(file.path), photo)
  t.is((await folderOf(file)).length, 4, 'nothing temporary is left')
  t.deepEqual(JSON.parse(JSON.stringify(result)), result)
})

test('a png keeps its transparency', async (t) => {
  const background = { r: 0, g: 255, b: 0, alpha: 0.5 }
  const file = await store(
    t,
    await sharp({ create: { width: 800, height: 400, channels: 4, background } })
      .png()
      .toBuffer(),
  )
  const result = await processFile(file, { widths: [200] })
  t.like(result.image, { format: 'png', channels: 4, hasAlpha: true })
  const { data, info } = await sharp(`${file.path}.w200.webp`).raw().toBuffer({ resolveWithObject: true })
  t.deepEqual([info.width, info.height, info.channels], [200, 100, 4])
  t.true(Math.abs(data[3]! - 128) <= 2)
})

test('grey, CMYK and 16-bit images keep their colours', async (t) => {
  for (const image of [
    plain(300, 300, '#808080').toColourspace('b-w').png(),
    plain(300, 300, '#b06020').toColourspace('rgb16').png(),
    plain(300, 300, '#b06020').toColourspace('cmyk').jpeg(),
  ]) {
    const file = await store(t, await image.toBuffer())
    await processFile(file, { widths: [30] })
    const expected = await sharp(file.path).toColourspace('srgb').raw().toBuffer()
    const actual = await sharp(`${file.path}.w30.webp`).raw().toBuffer()
    for (const channel of [0, 1, 2]) t.true(Math.abs(actual[channel]! - expected[channel]!) <= 4)
  }
})

for (const format of ['webp', 'avif', 'gif', 'tiff'] as const) {
  test(`an image in ${format} gets a thumbnail`, async (t) => {
    const result = await processFile(await store(t, await plain(300, 200).toFormat(format).toBuffer()), {
      widths: [90],
    })
    t.is(result.kind?.mime, `image/${format}`)
    t.like(result.image, { width: 300, height: 200, format: format === 'avif' ? 'heif' : format })
    t.like(result.variants, [{ name: 'w90.webp', width: 90, height: 60 }])
  })
}

test('an animation says how many frames it has and shows the first', async (t) => {
  const frames = Buffer.concat([Buffer.alloc(50 * 40 * 3, 0), Buffer.alloc(50 * 40 * 3, 255)])
  const animation = sharp(frames, { raw: { width: 50, height: 80, channels: 3, pageHeight: 40 } }).gif()
  const file = await store(t, await animation.toBuffer())
  const result = await processFile(file)
  t.like(result.image, { width: 50, height: 40, pages: 2 })
  t.like(result.variants, [{ width: 50, height: 40 }])
  t.true((await sharp(`${file.path}.w50.webp`).raw().toBuffer())[0]! < 10)
})

test('an image is never enlarged, and widths beyond its own become one', async (t) => {
  const small = await processFile(await store(t, await plain(100, 50).png().toBuffer()))
  t.deepEqual(
    small.variants.map(({ name, width, height }) => [name, width, height]),
    [['w100.webp', 100, 50]],
  )
  const medium = await processFile(await store(t, await plain(500, 50).png().toBuffer()), {
    widths: [900, 160, 600, 160],
  })
  t.deepEqual(
    medium.variants.map(({ width }) => width),
    [160, 500],
  )
})

test('an image taller than webp allows gets narrower thumbnails', async (t) => {
  const { variants } = await processFile(await store(t, await plain(100, 20_000).png().toBuffer()), {
    widths: [20, 100],
  })
  t.deepEqual(
    variants.map(({ width, height }) => [width, height]),
    [
      [20, 4000],
      [81, 16_200],
    ],
  )
})

test('no widths, no thumbnails', async (t) => {
  const result = await processFile(await store(t, await plain(100, 50).png().toBuffer()), { widths: [] })
  t.like(result.image, { width: 100, height: 50 })
  t.deepEqual(result.variants, [])
})

test('a retry overwrites what the attempt before it left', async (t) => {
  const file = await store(t, await plain(300, 200).jpeg().toBuffer())
  const first = await processFile(file)
  await writeFile(`${file.path}.w160.webp`, 'half a thumb')
  t.deepEqual(await processFile(file), first)
  t.is((await sharp(`${file.path}.w160.webp`).metadata()).width, 160)
})

test('text is hashed and left at that', async (t) => {
  const text = 'To whom it may concern\n'
  const file = await store(t, text, { name: 'letter.txt', type: 'text/plain' })
  t.deepEqual(await processFile(file), {
    id: 'original',
    name: 'letter.txt',
    size: text.length,
    sha256: sha256(text),
    kind: null,
    variants: [],
  })
})

test('an empty file is no error', async (t) => {
  const result = await processFile(await store(t, ''))
  t.like(result, { size: 0, sha256: sha256(''), kind: null })
})

test('size and hash cover all of a file of several chunks, whatever size was claimed', async (t) => {
  const content = Buffer.alloc(3_500_000, 'afterwork ')
  const result = await processFile(await store(t, content, { size: 1 }))
  t.is(result.size, content.length)
  t.is(result.sha256, sha256(content))
})

test('the content says what a file is, not its name or claimed type', async (t) => {
  const pdf = await store(t, '%PDF-1.7\n%%EOF\n', { name: 'photo.jpg', type: 'image/jpeg' })
  t.like(await processFile(pdf), { kind: { extension: 'pdf', mime: 'application/pdf' } })
  const png = await store(t, await plain(10, 10).png().toBuffer(), { name: 'notes.txt', type: 'text/plain' })
  t.like(await processFile(png), { kind: { extension: 'png', mime: 'image/png' }, image: { format: 'png' } })
})

test('an svg is not treated as an image', async (t) => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><image href="/etc/hostname"/></svg>'
  for (const content of [svg, `<?xml version="1.0"?>${svg}`]) {
    const file = await store(t, content, { name: 'logo.svg', type: 'image/svg+xml' })
    t.like(await processFile(file), { variants: [] })
    t.deepEqual(await folderOf(file), ['original'])
  }
})

test('a heic, which sharp cannot decode, is known but not reduced', async (t) => {
  const header = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')
  t.like(await processFile(await store(t, header)), {
    kind: { mime: 'image/heic' },
    variants: [],
  })
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

test('an image that is only a signature fails with BROKEN_IMAGE', async (t) => {
  const signature = Buffer.from([0xff, 0xd8, 0xff, 0xe0])
  await t.throwsAsync(processFile(await store(t, Buffer.concat([signature, Buffer.alloc(500)]))), {
    code: 'BROKEN_IMAGE',
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

test('wrong widths are refused before the file is read', async (t) => {
  const file: StoredFile = {
    id: 'none',
    name: 'none',
    type: '',
    size: 0,
    path: join(tmpdir(), 'afterwork-no-such-file'),
  }
  const wrong: [unknown, string][] = [
    [[0], '[ 0 ]'],
    [[4097], '[ 4097 ]'],
    [[99.5], '[ 99.5 ]'],
    [['160'], "[ '160' ]"],
    [[1n], '[ 1n ]'],
    [160, '160'],
    [Array(9).fill(100), '[ 100, 100, 100, 100, 100, 100, 100, 100, 100 ]'],
  ]
  for (const [widths, got] of wrong) {
    await t.throwsAsync(processFile(file, { widths: widths as number[] }), {
      code: 'BAD_WIDTHS',
      message: `widths: Expected at most 8 whole numbers from 1 to 4096, got ${got}`,
    })
  }
})

test("a file that is gone fails with the system's error", async (t) => {
  const file = await store(t, '')
  await rm(file.path)
  await t.throwsAsync(processFile(file), { code: 'ENOENT' })
})

test('progress grows with every chunk and thumbnail', async (t) => {
  const said: [number, string][] = []
  const task = runningTask((fraction, message) => said.push([fraction, message]))
  const photo = Buffer.concat([await plain(800, 600).jpeg().toBuffer(), Buffer.alloc(3_000_000)])
  const file = await store(t, photo)
  await task.run(() => processFile(file))
  const fractions = said.map(([fraction]) => fraction)
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.is(fractions.at(-1), 1)
  t.deepEqual(
    [...new Set(said.map(([, message]) => message))],
    ['reading', 'decoding', 'thumbnail 160', 'thumbnail 640', 'thumbnail 800', 'done'],
  )
})

test("a stopped attempt ends with the signal's reason, between chunks", async (t) => {
  const reason = new Error('stopping')
  for (const content of ['', 'some text', await plain(300, 200).jpeg().toBuffer()]) {
    const file = await store(t, content)
    const task = runningTask()
    const result = task.run(() => processFile(file))
    task.stop(reason)
    t.is(await t.throwsAsync(result), reason)
    t.deepEqual(await folderOf(file), ['original'])
  }
})

test("a stopped attempt ends with the signal's reason, between whole thumbnails", async (t) => {
  const reason = new Error('stopping')
  const file = await store(t, await plain(800, 600).jpeg().toBuffer())
  const task = runningTask((_, message) => {
    if (message === 'thumbnail 640') task.stop(reason)
  })
  t.is(await t.throwsAsync(task.run(() => processFile(file))), reason)
  t.deepEqual((await folderOf(file)).sort(), ['original', 'original.w160.webp', 'original.w640.webp'])
  t.is((await sharp(`${file.path}.w640.webp`).metadata()).height, 480)
})
