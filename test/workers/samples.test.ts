import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { documentOf } from '../../scripts/samples/expected.ts'

const samples = fileURLToPath(new URL('samples', import.meta.url))
const expected = fileURLToPath(new URL('expected', import.meta.url))
const names = readdirSync(samples).toSorted()

for (const name of names) {
  test(`${name} is told of as expected`, async (t) => {
    const document: unknown = JSON.parse(await readFile(join(expected, `${name}.json`), 'utf8'))
    t.deepEqual(await documentOf(join(samples, name)), document)
  })
}

test('each sample is small, and each expectation is of a sample', (t) => {
  const sizes = names.map((name) => statSync(join(samples, name)).size)
  t.true(Math.max(...sizes) <= 20_000)
  t.true(sizes.reduce((sum, size) => sum + size, 0) <= 300_000)
  t.deepEqual(readdirSync(expected).toSorted(), names.map((name) => `${name}.json`).toSorted())
})
