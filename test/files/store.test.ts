import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { FileStore } from '../../src/files/store.ts'
import { temporaryFolder } from '../support/folder.ts'

async function preparedStore(t: ExecutionContext): Promise<FileStore> {
  const store = new FileStore(join(await temporaryFolder(t), 'files'))
  store.prepare()
  return store
}

test('the folder is made by prepare() only, with those above it', async (t) => {
  const folder = join(await temporaryFolder(t), 'a', 'b')
  const store = new FileStore(folder)
  t.false(store.prepared)
  await t.throwsAsync(readdir(folder), { code: 'ENOENT' })
  store.prepare()
  store.prepare()
  t.true(store.prepared)
  t.deepEqual(await readdir(folder), [])
})

test('a folder that cannot be made is the error of the system', async (t) => {
  const file = join(await temporaryFolder(t), 'file')
  await writeFile(file, '')
  t.throws(() => new FileStore(join(file, 'files')).prepare(), { code: 'ENOTDIR' })
})

test('a file and its variants are opened by id and name', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await writeFile(store.pathOf(id), 'original')
  await writeFile(`${store.pathOf(id)}.w160.webp`, 'small')
  const [original, variant] = [await store.open(id), await store.open(id, 'w160.webp')]
  t.is(original?.size, 8)
  t.is(await text(original!.stream), 'original')
  t.is(await text(variant!.stream), 'small')
})

test('what is not there, or is no name of ours, is undefined and never leaves the folder', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await writeFile(store.pathOf(id), 'original')
  await writeFile(join(store.folder, '..', 'outside.txt'), 'outside')
  t.is(await store.open(store.newId()), undefined)
  for (const wrong of [
    '',
    '.',
    '..',
    '../outside.txt',
    `${id}/`,
    `../files/${id}`,
    id.toUpperCase(),
    `${id}\0`,
  ]) {
    t.is(await store.open(wrong), undefined, wrong)
  }
  const variants = [
    '',
    '.',
    '..',
    '/../../outside.txt',
    'w160',
    'W160.webp',
    'w160.webp.',
    'a/b.webp',
    'w1.webp\0',
    '-.webp',
  ]
  for (const wrong of variants) t.is(await store.open(id, wrong), undefined, wrong)
})

test('list() gives each file with its variants, and passes over what is none of ours', async (t) => {
  const store = await preparedStore(t)
  const [one, two] = [store.newId(), store.newId()]
  for (const name of [one, `${one}.w160.webp`, `${one}.w640.webp`, two, 'README', '.hidden']) {
    await writeFile(join(store.folder, name), '')
  }
  const found = (await store.list()).toSorted((a, b) => a.id.localeCompare(b.id))
  t.deepEqual(
    found.map(({ id, names }) => [id, names.toSorted((a, b) => a.localeCompare(b))]),
    [
      [one, [one, `${one}.w160.webp`, `${one}.w640.webp`]],
      [two, [two]],
    ],
  )
  t.true(found.every(({ writtenAt }) => Math.abs(writtenAt - Date.now()) < 60_000))
})

test('remove() removes what is there, and what is gone already is no error', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await writeFile(store.pathOf(id), '')
  await store.remove([id, store.newId()])
  t.deepEqual(await readdir(store.folder), [])
})
