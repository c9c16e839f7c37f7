import { readFile } from 'node:fs/promises'
import { Parser } from '../../../workers/files/pdf/parser.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { never } from './reading.ts'
import { fileSystem } from './system.ts'

/** The text of a PDF as the service's reader finds it, without the picture of the first page. */
export async function start(): Promise<StartedSystem> {
  return fileSystem(async (path) => {
    const data = new Uint8Array(await readFile(path))
    const { text } = await Parser.parse(data, {
      signal: never,
      draw: false,
      onPage: () => {},
      onDraw: () => {},
    })
    if (text?.content === undefined) throw new Error(`Expected text, got none in ${path}`)
  })
}
