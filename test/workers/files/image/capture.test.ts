import test from 'ava'
import sharp from 'sharp'
import { processFile } from '../../../../workers/files.ts'
import { captureOf } from '../../../../workers/files/image/capture.ts'
import { blockSource, type Source } from '../../../../workers/files/image/source.ts'
import { store } from '../subject.ts'
import { exifBlock, rational, short, text, withExif, type Entry } from './blocks.ts'

function capture(image: Entry[], photo: Entry[] = [], gps: Entry[] = []) {
  return captureOf(blockSource(exifBlock(image, photo, gps)))
}

function jpeg() {
  return sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
}

const berlin: Entry[] = [
  text(1, 'N'),
  rational(2, [52, 1], [31, 1], [1_234, 100]),
  text(3, 'E'),
  rational(4, [13, 1], [24, 1], [0, 1]),
]

const photo = {
  IFD0: {
    Make: 'Nikon',
    Model: 'Z 6',
    Software: 'Ver.01.00',
    Artist: 'Ada',
    Copyright: '(c) Ada',
  },
  IFD2: {
    DateTimeOriginal: '2024:05:01 12:30:00',
    OffsetTimeOriginal: '+02:00',
    ExposureTime: '1/250',
    FNumber: '28/10',
    ISOSpeedRatings: '400',
    FocalLength: '50/1',
    FocalLengthIn35mmFilm: '75',
    Flash: '1',
    LensMake: 'Nikon',
    LensModel: 'NIKKOR Z 24-70',
  },
  IFD3: {
    GPSLatitudeRef: 'S',
    GPSLatitude: '33/1 51/1 3000/100',
    GPSLongitudeRef: 'W',
    GPSLongitude: '70/1 30/1 0/1',
    GPSAltitude: '205/10',
    GPSDateStamp: '2024:05:01',
    GPSTimeStamp: '10/1 29/1 5950/100',
  },
}

for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
  test(`what the camera wrote into a ${format} is told`, async (t) => {
    const image = sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    const file = await store(t, await image.withExif(photo).toFormat(format).toBuffer())
    const result = await processFile(file)
    t.deepEqual(result.image?.capture, {
      make: 'Nikon',
      model: 'Z 6',
      lens: 'Nikon NIKKOR Z 24-70',
      takenAt: '2024-05-01T12:30:00+02:00',
      exposureTime: 0.004,
      fNumber: 2.8,
      iso: 400,
      focalLength: 50,
      focalLength35: 75,
      flash: true,
      software: 'Ver.01.00',
      artist: 'Ada',
      copyright: '(c) Ada',
      gps: {
        latitude: -33.8583333,
        longitude: -70.5,
        altitude: 20.5,
        takenAt: '2024-05-01T10:29:59Z',
      },
    })
    t.deepEqual(JSON.parse(JSON.stringify(result)), result)
  })
}

test('a TIFF has what the camera wrote in its own directories', async (t) => {
  // One grey pixel, which is a byte of the header.
  const pixel = [256, 257, 258, 259, 262].map((tag) => short(tag, tag === 258 ? 8 : 1))
  const strip = [short(273, 4), short(277, 1), short(278, 1), short(279, 1)]
  const image = [...pixel, text(0x010f, 'Scanner'), ...strip]
  const content = exifBlock(image, [text(0x9004, '1999:12:31 23:59:59')], berlin)
  const result = await processFile(await store(t, content), { widths: [1] })
  t.like(result.image, {
    format: 'tiff',
    capture: {
      make: 'Scanner',
      takenAt: '1999-12-31T23:59:59',
      gps: { latitude: 52.5200944, longitude: 13.4 },
    },
  })
  t.is(result.variants.length, 2)
})

test('an image without EXIF, or with nothing of interest in it, has no capture', async (t) => {
  const plain = await jpeg()
  for (const content of [plain, withExif(plain, exifBlock([short(0x0112, 1)]))]) {
    const { image } = await processFile(await store(t, content))
    t.is(image?.width, 20)
    t.false('capture' in image!)
  }
})

test('broken EXIF is no error: the image is described, and what can be read is told', async (t) => {
  const plain = await jpeg()
  const whole = exifBlock([text(0x010f, 'A camera with a long name')], [short(0x8827, 100)], berlin)
  for (let length = 0; length < whole.length; length += 3) {
    const { image } = await processFile(await store(t, withExif(plain, whole.subarray(0, length))))
    t.like(image, { width: 20, height: 10 })
    await t.notThrowsAsync(captureOf(blockSource(whole.subarray(0, length))))
  }
})

test('EXIF of any bytes is no error', async (t) => {
  let seed = 20_240_501
  const random = () => (seed = (seed * 48_271) % 0x7fffffff)
  const whole = exifBlock([text(0x010f, 'Camera')], [short(0x8827, 100), rational(0x829a, [1, 250])], berlin)
  for (let round = 0; round < 2_000; round++) {
    const bent = Buffer.from(whole)
    for (let count = random() % 8; count >= 0; count--) bent[random() % bent.length] = random()
    const result = await captureOf(blockSource(bent))
    t.deepEqual(JSON.parse(JSON.stringify(result ?? null)), result ?? null)
  }
})

test('huge counts cost nothing: every tag may claim to have gigabytes', async (t) => {
  const claims = Array.from({ length: 900 }, (_, index) => ({
    tag: 0x010f + (index % 2),
    type: [1, 2, 5, 7][index % 4]!,
    count: 0xffffffff,
    value: 8,
  }))
  const block = Buffer.concat([exifBlock(claims), Buffer.alloc(30_000, 'A')])
  const asked: number[] = []
  const source: Source = {
    read(offset, length) {
      asked.push(length)
      return blockSource(block).read(offset, length)
    },
  }
  const result = await captureOf(source)
  t.true((result?.model?.length ?? 0) <= 200)
  t.true(asked.length < 20 && Math.max(...asked) <= 12_000)
})

test('directories that point at each other, at themselves or out of the block end', async (t) => {
  for (const at of [0, 1, 8, 10, 22, 0xffffffff]) {
    const loop = ['8769', '8825'].map((tag) => ({ tag: parseInt(tag, 16), type: 4, count: 1, value: at }))
    t.is((await capture([text(0x010f, 'Camera'), ...loop]))?.make, 'Camera')
  }
})

test('texts are cut and cleaned, whatever their encoding', async (t) => {
  t.deepEqual(
    await capture([
      text(0x010f, Buffer.from('  Nikon\0\0\0 ')),
      text(0x0110, Buffer.from('Kodak\r\n\tBrownie\x1b[31m')),
      text(0x0131, Buffer.from('Größe')),
      text(0x013b, Buffer.from('J\xf6rg', 'latin1')),
      text(0x8298, 'x'.repeat(5_000)),
    ]),
    {
      make: 'Nikon',
      model: 'Kodak Brownie [31m',
      software: 'Größe',
      artist: 'Jörg',
      copyright: 'x'.repeat(200),
    },
  )
  t.is(await capture([text(0x010f, '   '), text(0x0110, Buffer.alloc(0))]), undefined)
  const emoji = await capture([text(0x010f, Buffer.from('a' + '📷'.repeat(300)))])
  t.true(emoji!.make!.isWellFormed())
})

test('times that no calendar has, and zones that there are not, are left out', async (t) => {
  const taken = async (time: string, zone?: string) =>
    (await capture([text(0x010f, 'x')], [text(0x9003, time), ...(zone ? [text(0x9011, zone)] : [])]))?.takenAt
  t.is(await taken('2024:02:29 23:59:59'), '2024-02-29T23:59:59')
  for (const wrong of [
    '2023:02:29 12:00:00',
    '0000:00:00 00:00:00',
    '    :  :     :  :  ',
    '2024:13:01 00:00:00',
    '2024:05:01 24:00:00',
    '2024:05:01',
  ]) {
    t.is(await taken(wrong), undefined, wrong)
  }
  t.is(await taken('2024:05:01 12:00:00', '-09:30'), '2024-05-01T12:00:00-09:30')
  for (const zone of ['+99:00', '   :  ', 'CEST', '+02:60']) {
    t.is(await taken('2024:05:01 12:00:00', zone), '2024-05-01T12:00:00', zone)
  }
})

test('numbers that are none, or zero where that stands for unknown, are left out', async (t) => {
  const result = await capture(
    [text(0x010f, 'x')],
    [rational(0x829a, [1, 0]), rational(0x829d, [0, 0]), rational(0x920a, [0, 1]), short(0x8827, 0)],
  )
  t.deepEqual(result, { make: 'x' })
})

test('positions that make no sense are left out, and nothing else with them', async (t) => {
  const at = async (...gps: Entry[]) => (await capture([text(0x010f, 'x')], [], gps))?.gps
  const replaced = (entry: Entry) => berlin.map((other) => (other.tag === entry.tag ? entry : other))
  t.deepEqual(await at(...berlin), { latitude: 52.5200944, longitude: 13.4 })
  t.deepEqual(await at(...replaced(text(1, 's'))), { latitude: -52.5200944, longitude: 13.4 })
  t.deepEqual(await at(...replaced(rational(2, [52_5, 10], [0, 0], [0, 0]))), {
    latitude: 52.5,
    longitude: 13.4,
  })
  const below = { tag: 5, type: 1, count: 1, value: Buffer.from([1]) }
  t.is((await at(...berlin, below, rational(6, [4_305, 10])))?.altitude, -430.5, 'the Dead Sea')
  const wrong: Entry[] = [
    text(1, 'X'),
    text(1, ''),
    text(3, 'N'),
    rational(2, [91, 1], [0, 1], [0, 1]),
    rational(2, [1, 0], [0, 1], [0, 1]),
    rational(2, [0, 0], [0, 0], [0, 0]),
    rational(2, [52, 1], [61, 1], [0, 1]),
    rational(2, [52, 1], [1, 0], [0, 1]),
    rational(4, [180, 1], [0, 1], [1, 1]),
    text(4, '13 24 0'),
    { tag: 2, type: 5, count: 3, value: 0xfffffff0 },
  ]
  for (const entry of wrong) t.is(await at(...replaced(entry)), undefined)
  const zero: [number, number][] = [
    [0, 1],
    [0, 1],
    [0, 1],
  ]
  t.is(await at(text(1, 'N'), rational(2, ...zero), text(3, 'E'), rational(4, ...zero)), undefined)
  t.is(await at(...berlin.slice(0, 2)), undefined)
  const extras = [rational(6, [1, 0]), rational(7, [25, 1], [0, 1], [0, 1]), text(0x1d, '2024:05:01')]
  t.deepEqual(await at(...berlin, ...extras), { latitude: 52.5200944, longitude: 13.4 })
})
