import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

/** Small images of each format that we read, and of those that we refuse. */
export async function images(): Promise<Record<string, Buffer>> {
  const photo = await holiday()
  return {
    'photo.jpg': photo,
    'photo-half.jpg': photo.subarray(0, Math.floor(photo.length / 2)),
    'logo.png': await logo().png().toBuffer(),
    'logo.webp': await logo().webp({ quality: 80 }).toBuffer(),
    'logo.svg': svg(),
    'landscape.avif': await landscape(96, 64).avif({ quality: 50, effort: 2 }).toBuffer(),
    'scan.tif': tiff([
      [64, 48],
      [48, 64],
    ]),
    'spinner.gif': await frames(3)
      .gif({ delay: [100, 200, 300], loop: 2 })
      .toBuffer(),
    'spinner.webp': await frames(3)
      .webp({ delay: [100, 200, 300], loop: 0 })
      .toBuffer(),
    'spinner.png': apng(4),
    'huge.png': png(8_000, 8_000),
  }
}

/** A picture as a phone takes it: turned by a quarter, with all that it writes into EXIF. */
function holiday(): Promise<Buffer> {
  return landscape(240, 180)
    .withExif({
      IFD0: {
        Make: 'Afterwork Cameras',
        Model: 'Sample 1',
        Software: '1.0',
        Artist: 'A. Sample',
        Copyright: 'Public domain',
        DateTime: '2024:06:01 18:30:15',
      },
      IFD2: {
        DateTimeOriginal: '2024:06:01 18:30:15',
        OffsetTimeOriginal: '+02:00',
        ExposureTime: '1/250',
        FNumber: '28/10',
        ISOSpeedRatings: '200',
        FocalLength: '50/10',
        FocalLengthIn35mmFilm: '28',
        Flash: '16',
        LensModel: 'Sample lens 5 mm',
      },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '52/1 31/1 1200/100',
        GPSLongitudeRef: 'E',
        GPSLongitude: '13/1 24/1 1800/100',
        GPSAltitudeRef: '0',
        GPSAltitude: '345/10',
        GPSDateStamp: '2024:06:01',
        GPSTimeStamp: '16/1 30/1 15/1',
      },
    })
    .withMetadata({ orientation: 6, density: 72 })
    .jpeg({ quality: 75 })
    .toBuffer()
}

/** Sky above, a green below, and a sun. */
function landscape(width: number, height: number): Sharp {
  const pixels = draw(width, height, 3, (x, y) => {
    if (Math.hypot(x - width * 0.75, y - height * 0.25) < height * 0.12) return [255, 220, 80]
    const share = Math.round((100 * y) / height)
    return y < height * 0.6 ? [90 + share, 150 + share, 235] : [60, 160 - share, 50]
  })
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

/** A ring that is half transparent, on nothing. */
function logo(size = 64): Sharp {
  const pixels = draw(size, size, 4, (x, y) => {
    const distance = Math.hypot(x - size / 2, y - size / 2) / (size / 2)
    return distance > 0.95 || distance < 0.4 ? [0, 0, 0, 0] : [200, 30, 60, distance > 0.7 ? 255 : 128]
  })
  return sharp(pixels, { raw: { width: size, height: size, channels: 4 } })
}

/** An animation: a square that goes to the right. */
function frames(count: number, size = 32): Sharp {
  const pixels = draw(size, size * count, 3, (x, y) =>
    Math.floor(x / 8) === Math.floor(y / size) ? [0, 0, 0] : [255, 255, 255],
  )
  return sharp(pixels, { raw: { width: size, height: size * count, channels: 3, pageHeight: size } })
}

function draw(
  width: number,
  height: number,
  channels: number,
  colourAt: (x: number, y: number) => readonly number[],
): Buffer {
  const pixels = Buffer.alloc(width * height * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels.set(colourAt(x, y), (y * width + x) * channels)
  return pixels
}

/** Refused: whoever draws it must fetch what it names. */
function svg(): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by scripts/samples.ts -->
<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
  <circle cx="32" cy="32" r="30" fill="#c81e3c"/>
  <image href="file:///etc/hostname" width="10" height="10"/>
</svg>
`)
}

/** White, one bit a pixel: few bytes for many pixels. */
function png(width: number, height: number): Buffer {
  const pixels = Buffer.alloc((Math.ceil(width / 8) + 1) * height, 0xff)
  for (let row = 0; row < height; row++) pixels[row * (Math.ceil(width / 8) + 1)] = 0
  const data = deflateSync(pixels, { level: 9 })
  return Buffer.concat([pngSignature, header(width, height, 1), chunk('IDAT', data), chunk('IEND')])
}

/** An animated PNG of grey frames of 8 x 8, each shown for a tenth of a second (APNG specification 1.0). */
function apng(count: number): Buffer {
  let sequence = 0
  const parts: Uint8Array[] = [pngSignature, header(8, 8, 8), chunk('acTL', numbers(count, 0))]
  for (let frame = 0; frame < count; frame++) {
    const pixels = Buffer.alloc(9 * 8, (255 * frame) / count)
    for (let row = 0; row < 8; row++) pixels[row * 9] = 0
    const shown = Buffer.concat([numbers(sequence++, 8, 8, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])])
    parts.push(chunk('fcTL', shown))
    const data = deflateSync(pixels)
    parts.push(frame === 0 ? chunk('IDAT', data) : chunk('fdAT', Buffer.concat([numbers(sequence++), data])))
  }
  return Buffer.concat([...parts, chunk('IEND')])
}

const pngSignature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** Grey, of that many bits. */
function header(width: number, height: number, bits: number): Uint8Array {
  return chunk('IHDR', Buffer.concat([numbers(width, height), Buffer.from([bits, 0, 0, 0, 0])]))
}

function chunk(type: string, data: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const body = Buffer.concat([Buffer.from(type), data])
  return Buffer.concat([numbers(data.length), body, numbers(crc32(body))])
}

function numbers(...values: number[]): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index))
  return bytes
}

/** Grey pages without compression, one after the other (TIFF 6.0, little-endian). */
function tiff(sizes: readonly (readonly [width: number, height: number])[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])]
  let offset = 8
  sizes.forEach(([width, height], page) => {
    const directory = 2 + 12 * 9 + 4
    const pixels = Buffer.alloc(width * height, 200 - 60 * page)
    const next = page === sizes.length - 1 ? 0 : offset + directory + pixels.length
    parts.push(tiffDirectory(width, height, offset + directory, next), pixels)
    offset += directory + pixels.length
  })
  return Buffer.concat(parts)
}

function tiffDirectory(width: number, height: number, pixels: number, next: number): Buffer {
  const fields = [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, pixels],
    [277, 1],
    [278, height],
    [279, width * height],
  ] as const
  const bytes = Buffer.alloc(2 + 12 * fields.length + 4)
  bytes.writeUInt16LE(fields.length)
  fields.forEach(([tag, value], index) => {
    const at = 2 + 12 * index
    bytes.writeUInt16LE(tag, at)
    bytes.writeUInt16LE(4, at + 2)
    bytes.writeUInt32LE(1, at + 4)
    bytes.writeUInt32LE(value, at + 8)
  })
  bytes.writeUInt32LE(next, 2 + 12 * fields.length)
  return bytes
}
