import type { StartedSystem } from '../harness/system-module.ts'
import { readPdfText } from './pdf-bare.ts'
import { fileSystem } from './system.ts'

/** The same text as pdf.js alone gives it. */
export async function start(): Promise<StartedSystem> {
  return fileSystem(async (path) => {
    if ((await readPdfText(path)).trim() === '') throw new Error(`Expected text, got none in ${path}`)
  })
}
