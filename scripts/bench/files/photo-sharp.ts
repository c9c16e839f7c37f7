import sharp from 'sharp'
import type { StartedSystem } from '../harness/system-module.ts'
import { fileSystem } from './system.ts'

/** The files that readImage() makes, in the same way and with the same settings, and nothing else. */
export async function start(): Promise<StartedSystem> {
  sharp.concurrency(1)
  sharp.cache(false)
  return fileSystem(async (path) => {
    const base = await sharp(path, { autoOrient: true })
      .resize({ width: 1280 })
      .raw()
      .toBuffer({ resolveWithObject: true })
    for (const width of [160, 640, 1280]) {
      const { data, info } =
        width === 1280
          ? base
          : await sharp(base.data, { raw: base.info })
              .resize({ width })
              .raw()
              .toBuffer({ resolveWithObject: true })
      await sharp(data, { raw: info }).jpeg({ quality: 80 }).toFile(`${path}.w${width}.jpg`)
      await sharp(data, { raw: info }).webp({ quality: 80, effort: 2 }).toFile(`${path}.w${width}.webp`)
    }
  })
}
