import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { newId } from '../../src/core/id.ts'
import { FileStore } from '../../src/files/store.ts'
import { writeVariant } from '../../src/files/variant.ts'
import { temporaryFolder } from '../support/folder.ts'

async function preparedStore(t: ExecutionContext, maxBytes?: number): Promise<FileStore> {
  const store = new FileStore(join(await temporaryFolder(t), 'files'), maxBytes)
  store.prepare()
  t.teardown(() => store.close())
  return store
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) {
    bytes += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
  }
  return bytes
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

test('a file that is received is whole, and counts as open until it is released', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  const content = Buffer.alloc(300_000, 'content')
  t.is(await store.receive(id, Readable.from([content.subarray(0, 7), content.subarray(7)])), 300_000)
  t.true((await readFile(store.pathOf(id))).equals(content))
  t.true(store.isOpen(id))
  store.release(id)
  t.false(store.isOpen(id))
})

test('of a file whose source fails nothing is left, and its room is free again', async (t) => {
  const store = await preparedStore(t, 100)
  async function* cut() {
    yield Buffer.alloc(60)
    throw new Error('cut')
  }
  const id = store.newId()
  await t.throwsAsync(store.receive(id, Readable.from(cut())), { message: 'cut' })
  t.deepEqual(await readdir(store.folder), [])
  t.false(store.isOpen(id))
  t.is(store.room, 100)
})

test('a file never overwrites another', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await writeFile(store.pathOf(id), 'first')
  await t.throwsAsync(store.receive(id, Readable.from([Buffer.from('second')])), { code: 'EEXIST' })
  t.is(await readFile(store.pathOf(id), 'utf8'), 'first')
})

test('past the bound a file is refused before a byte too many is written, and the rest goes on', async (t) => {
  const store = await preparedStore(t, 100)
  const [one, two, three] = [store.newId(), store.newId(), store.newId()]
  await store.receive(one, Readable.from([Buffer.alloc(60)]))
  const error = await t.throwsAsync(store.receive(two, Readable.from([Buffer.alloc(20), Buffer.alloc(21)])))
  t.like(error, { code: 'AFTERWORK_DISK_FULL', status: 507, expose: true })
  t.regex(error!.message, /may take 100 bytes/)
  t.deepEqual(await readdir(store.folder), [one])
  await store.receive(three, Readable.from([Buffer.alloc(40)]))
  t.is(store.room, 0)
  await store.remove([one])
  t.is(store.room, 60)
})

test('many files that come at once never go past the bound together', async (t) => {
  const store = await preparedStore(t, 10_000)
  let most = 0
  async function* slowly() {
    for (let chunk = 0; chunk < 10; chunk++) {
      most = Math.max(most, await bytesIn(store.folder))
      yield Buffer.alloc(100)
    }
  }
  const received = await Promise.allSettled(
    Array.from({ length: 20 }, () => store.receive(store.newId(), Readable.from(slowly()))),
  )
  const stored = received.filter(({ status }) => status === 'fulfilled')
  const refused = received.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
  t.true(most <= 10_000)
  t.deepEqual(new Set(refused), new Set(['AFTERWORK_DISK_FULL']))
  t.is(await bytesIn(store.folder), stored.length * 1_000)
  t.is(store.room, 10_000 - stored.length * 1_000)
})

test('what was there before counts, once, with its variants', async (t) => {
  const { folder } = await preparedStore(t)
  const id = newId()
  await writeFile(join(folder, id), Buffer.alloc(50))
  await writeFile(join(folder, `${id}.w160.webp`), Buffer.alloc(20))
  await writeFile(join(folder, 'none of ours'), Buffer.alloc(1_000))
  const store = new FileStore(folder, 100)
  store.prepare()
  t.teardown(() => store.close())
  const receive = (bytes: number) => store.receive(store.newId(), Readable.from([Buffer.alloc(bytes)]))
  await t.throwsAsync(receive(31), { code: 'AFTERWORK_DISK_FULL' })
  await Promise.all([receive(10), receive(10), store.list()])
  t.is(store.room, 10)
  await t.throwsAsync(receive(11), { code: 'AFTERWORK_DISK_FULL' })
})

test('a folder that cannot be counted refuses the upload, and is counted anew for the next', async (t) => {
  const store = await preparedStore(t, 100)
  await rm(store.folder, { recursive: true })
  const receive = () => store.receive(store.newId(), Readable.from([Buffer.alloc(60)]))
  await t.throwsAsync(receive(), { code: 'ENOENT' })
  await mkdir(store.folder)
  t.is(await receive(), 60)
})

test('variants count as they are written, on whatever thread, and again when they are overwritten', async (t) => {
  const store = await preparedStore(t, 1_000)
  const id = store.newId()
  await store.receive(id, Readable.from([Buffer.alloc(100)]))
  const untilRoom = async (room: number) => {
    while (store.room !== room) await setImmediate()
  }
  await writeVariant({ path: store.pathOf(id) }, 'w160.webp', Buffer.alloc(300))
  await untilRoom(600)
  await writeVariant({ path: store.pathOf(id) }, 'w160.webp', Buffer.alloc(200))
  await untilRoom(700)
  const thread = new Worker(
    `import(${JSON.stringify(import.meta.resolve('../../src/files/variant.ts'))}).then(({ writeVariant }) =>
      writeVariant({ path: ${JSON.stringify(store.pathOf(id))} }, 'w320.webp', new Uint8Array(500)))`,
    { eval: true },
  )
  await once(thread, 'exit')
  await untilRoom(200)
  await store.list()
  t.is(store.room, 200)
  await store.removeWhole(id)
  t.deepEqual(await readdir(store.folder), [])
  t.is(store.room, 1_000)
})

test('remove() removes what is there, and what is gone already is no error', async (t) => {
  const store = await preparedStore(t)
  const id = store.newId()
  await writeFile(store.pathOf(id), '')
  await store.remove([id, store.newId()])
  t.deepEqual(await readdir(store.folder), [])
})
