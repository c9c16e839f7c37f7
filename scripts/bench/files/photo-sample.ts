import sharp from 'sharp'
import { randomFrom } from './random.ts'

const [width, height] = [4000, 3000]

/** Writes a JPEG of 12 megapixels as a phone makes it: soft shapes, some noise, EXIF with a place, lying on its side. */
export async function writePhoto(path: string): Promise<void> {
  const random = randomFrom(2_463_534_242)
  const pixels = Buffer.allocUnsafe(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const noise = (random() & 31) - 16
      pixels[at++] = bounded(128 + 90 * Math.sin(x / 310 + y / 1_700) + noise)
      pixels[at++] = bounded(128 + 80 * Math.sin(y / 230) * Math.cos(x / 90) + noise)
      pixels[at++] = bounded(60 + y / 24 + noise)
    }
  }
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .withExif({
      IFD0: { Make: 'A camera', Model: 'Of a benchmark' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '51/1 30/1 0/1',
        GPSLongitudeRef: 'W',
        GPSLongitude: '0/1 7/1 0/1',
      },
    })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 90 })
    .toFile(path)
}

function bounded(value: number): number {
  return Math.min(255, Math.max(0, value))
}
