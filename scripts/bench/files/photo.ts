import { readImage } from '../../../workers/files/image.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { readingOf } from './reading.ts'
import { fileSystem } from './system.ts'

/** The service's reader of images. */
export async function start(): Promise<StartedSystem> {
  return fileSystem(async (path) => {
    await readImage(await readingOf(path, { family: 'image', extension: 'jpg', mime: 'image/jpeg' }))
  })
}
