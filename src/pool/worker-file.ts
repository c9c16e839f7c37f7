import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Path of a file of `worker/`, which is TypeScript beside the sources and JavaScript beside the build. */
export function workerFile(name: 'entry' | 'probe'): string {
  return fileURLToPath(new URL(`./worker/${name}${extname(import.meta.url)}`, import.meta.url))
}
