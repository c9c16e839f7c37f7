/**
 * Makes the samples in test/workers/samples: npm run samples [-- --write]
 * With --write also what is expected of each, in test/workers/expected: read it before you commit it.
 * All samples are made here, by code and libraries; none of them is anybody's file.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { archives } from './samples/archives.ts'
import { documentOf } from './samples/expected.ts'
import { images } from './samples/images.ts'
import { others } from './samples/others.ts'
import { pdfs } from './samples/pdfs.ts'
import { tables } from './samples/tables.ts'
import { texts } from './samples/texts.ts'

const samples = fileURLToPath(new URL('../test/workers/samples', import.meta.url))
const expected = fileURLToPath(new URL('../test/workers/expected', import.meta.url))

/** Bytes. */
const [maxSample, maxSamples] = [20_000, 300_000]

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })

const [pictures, sheets, writings] = [await images(), tables(), texts()]
const made = {
  ...pictures,
  ...sheets,
  ...writings,
  ...(await pdfs(pictures['photo.jpg']!)),
  ...(await archives(writings['poem.txt']!, sheets['people.csv']!)),
  ...others(),
}
await empty(samples)
for (const [name, content] of Object.entries(made)) {
  if (content.length > maxSample)
    throw new Error(`${name}: Expected at most ${maxSample} bytes, got ${content.length}`)
  await writeFile(join(samples, name), content)
}
const total = Object.values(made).reduce((sum, { length }) => sum + length, 0)
if (total > maxSamples) throw new Error(`Expected at most ${maxSamples} bytes in all, got ${total}`)
console.log(`${Object.keys(made).length} samples, ${total} bytes`)

if (values.write) {
  await empty(expected)
  for (const name of Object.keys(made)) {
    const path = join(expected, `${name}.json`)
    const text = JSON.stringify(await documentOf(join(samples, name)))
    await writeFile(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
  }
}

async function empty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) await rm(join(folder, name))
}
