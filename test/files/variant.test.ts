import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { newId } from '../../src/core/id.ts'
import { writeVariant } from '../../src/files/variant.ts'
import { temporaryFolder } from '../support/folder.ts'

async function storedFile(t: ExecutionContext) {
  const folder = await temporaryFolder(t)
  const id = newId()
  const path = join(folder, id)
  await writeFile(path, 'original')
  return { folder, id, path }
}

test('a variant is beside its file, and a later one takes its place', async (t) => {
  const { folder, id, path } = await storedFile(t)
  await writeVariant({ path }, 'page1.png', Buffer.from('first'))
  await writeVariant({ path }, 'page1.png', Buffer.from('second'))
  t.deepEqual((await readdir(folder)).toSorted(), [id, `${id}.page1.png`])
  t.is(await readFile(`${path}.page1.png`, 'utf8'), 'second')
})

test('two that are written at once leave one whole variant', async (t) => {
  const { folder, id, path } = await storedFile(t)
  const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000))
  await Promise.all(contents.map((content) => writeVariant({ path }, 'w1.webp', Buffer.from(content))))
  t.deepEqual((await readdir(folder)).toSorted(), [id, `${id}.w1.webp`])
  t.true(contents.includes(await readFile(`${path}.w1.webp`, 'utf8')))
})

test('one that cannot be written leaves nothing unfinished', async (t) => {
  const { folder, id, path } = await storedFile(t)
  await mkdir(`${path}.w1.webp`)
  await t.throwsAsync(writeVariant({ path }, 'w1.webp', Buffer.from('x')), { code: 'EISDIR' })
  t.deepEqual((await readdir(folder)).toSorted(), [id, `${id}.w1.webp`])
})

test('names that GET /files/:id/:variant would not find are refused', async (t) => {
  const { folder, id, path } = await storedFile(t)
  for (const name of ['', 'w1', '../w1.webp', 'a/b.png', 'W1.webp', 'w1.webp.tmp', 'w1.webp\0', 7 as never]) {
    await t.throwsAsync(writeVariant({ path }, name, Buffer.from('x')), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /writeVariant\(\)\.name: Expected a name such as 'w640\.webp'/,
    })
  }
  t.deepEqual(await readdir(folder), [id])
})
