import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { newId } from '../../src/core/id.ts'
import { markFile } from '../../src/files/mark.ts'
import { SharedFolder } from '../../src/files/shared-folder.ts'
import { FileStore } from '../../src/files/store.ts'
import { Sweeper } from '../../src/files/sweeper.ts'
import { temporaryFolder } from '../support/folder.ts'

/** What processes agree on, as a queue keeps it. */
class Agreement {
  value: string | undefined
  fails = false

  agree = async (value?: string): Promise<string | undefined> => {
    if (this.fails) throw new Error('the database is away')
    this.value ??= value
    return this.value
  }
}

interface Member {
  store: FileStore
  shared: SharedFolder
  errors: Error[]
}

/** A process that has a folder; one that stores files has prepared it. */
async function enter(
  t: ExecutionContext,
  { agree }: Agreement,
  folder: string,
  stores = true,
  interval = 3_600_000,
): Promise<Member> {
  const store = new FileStore(folder)
  if (stores) store.prepare()
  const errors: Error[] = []
  const shared = new SharedFolder({ store, agree, onError: (error) => errors.push(error), interval })
  t.teardown(() => shared.stop())
  await shared.start()
  return { store, shared, errors }
}

const notShared = { code: 'AFTERWORK_FILES_NOT_SHARED' }

test('processes that have the same folder share it, and its mark is all that is left there', async (t) => {
  const folder = await temporaryFolder(t)
  const agreement = new Agreement()
  const first = await enter(t, agreement, folder)
  const second = await enter(t, agreement, folder)
  const worker = await enter(t, agreement, folder, false)
  for (const { shared, errors } of [first, second, worker]) {
    t.true(shared.seen)
    await t.notThrowsAsync(shared.check())
    t.deepEqual(errors, [])
  }
  t.deepEqual(await readdir(folder), ['.afterwork-folder'])
  const [mark] = agreement.value!.split(' ')
  t.is(await readFile(markFile(folder), 'utf8'), `${mark}\n`)
})

test('several that are the first at once agree on one folder, and leave no other mark', async (t) => {
  const [one, two] = [await temporaryFolder(t), await temporaryFolder(t)]
  const agreement = new Agreement()
  const folders = [one, two, one, two, one, two]
  const members = await Promise.all(folders.map((folder) => enter(t, agreement, folder)))
  const winner = agreement.value!.split(' ')[1]!
  t.deepEqual(
    members.map(({ shared }) => shared.seen),
    folders.map((folder) => folder === winner),
  )
  const loser = winner === one ? two : one
  t.deepEqual(await readdir(loser), [])
  t.is((await readFile(markFile(winner), 'utf8')).trim(), agreement.value!.split(' ')[0]!)
})

test('a process with another folder says so once, what to do, and neither takes nor gives files', async (t) => {
  const agreement = new Agreement()
  const { store: there } = await enter(t, agreement, await temporaryFolder(t))
  const folder = await temporaryFolder(t)
  const { store, shared, errors } = await enter(t, agreement, folder)
  t.false(shared.seen)
  await t.throwsAsync(shared.check(), notShared)
  await t.throwsAsync(store.receive(newId(), (async function* () {})() as never), notShared)
  await t.throwsAsync(store.open(newId()), notShared)
  t.is(await there.open(newId()), undefined)
  t.is(errors.length, 1)
  const [mark] = agreement.value!.split(' ')
  t.like(errors[0], notShared)
  t.true(errors[0]!.message.includes(`write ${mark} into ${markFile(folder)}`))
  t.deepEqual(await readdir(folder), [])
})

test('a folder that was replaced by an empty one is refused, until it is marked by hand', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const agreement = new Agreement()
  await enter(t, agreement, folder)
  await rename(folder, `${folder}.lost`)
  const { shared } = await enter(t, agreement, folder)
  await t.throwsAsync(shared.check(), { ...notShared, message: /got one without a mark/ })
  // As `echo` does.
  await writeFile(markFile(folder), `${agreement.value!.split(' ')[0]}\n`)
  await t.notThrowsAsync(shared.check())
  t.true(shared.seen)
})

test('a folder that vanishes and comes back is noticed', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const { store, shared, errors } = await enter(t, new Agreement(), folder, true, 10)
  const until = async (seen: boolean) => {
    while (shared.seen !== seen) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (let round = 1; round <= 2; round++) {
    await rename(folder, `${folder}.away`)
    await until(false)
    t.is(errors.length, round)
    await t.throwsAsync(store.check(), notShared)
    await rename(`${folder}.away`, folder)
    await until(true)
  }
})

test('the same folder at another path is refused, for tasks name their files by their path', async (t) => {
  const folder = await temporaryFolder(t)
  const other = `${folder}-other`
  await symlink(folder, other)
  t.teardown(() => promisify(execFile)('rm', [other]))
  const agreement = new Agreement()
  await enter(t, agreement, folder)
  const { shared } = await enter(t, agreement, other)
  await t.throwsAsync(shared.check(), {
    ...notShared,
    message: `Expected the folder of stored files at ${folder}, the path by which tasks name their files, got ${other}: mount it there`,
  })
})

test('where nobody stores files there is nothing to say, and the first who does makes the mark', async (t) => {
  const folder = join(await temporaryFolder(t), 'files')
  const agreement = new Agreement()
  const worker = await enter(t, agreement, folder, false, 10)
  t.false(worker.shared.seen)
  t.deepEqual(worker.errors, [])
  t.is(agreement.value, undefined)
  const late = await enter(t, agreement, folder, false)
  late.store.prepare()
  await t.notThrowsAsync(late.store.check())
  while (!worker.shared.seen) await new Promise((resolve) => setTimeout(resolve, 5))
  t.deepEqual(worker.errors, [])
})

test('a folder that an earlier queue has marked is taken with its mark', async (t) => {
  const folder = await temporaryFolder(t)
  const mark = '7a0f8a6e-1f7f-4a39-9d4c-0c3e4f0a2b11'
  await writeFile(markFile(folder), mark)
  const agreement = new Agreement()
  const { shared } = await enter(t, agreement, folder)
  t.true(shared.seen)
  t.is(agreement.value, `${mark} ${folder}`)
})

test('what cannot be asked or read counts as not shared, and is looked at again', async (t) => {
  const folder = await temporaryFolder(t)
  const agreement = new Agreement()
  agreement.fails = true
  const { store, shared, errors } = await enter(t, agreement, folder)
  await t.throwsAsync(store.check(), { ...notShared, message: /the database is away/ })
  t.is(errors.length, 1)
  agreement.fails = false
  await t.notThrowsAsync(store.check())
  // Once it is known what was agreed on, the database need not be asked.
  agreement.fails = true
  await t.notThrowsAsync(shared.check())

  const odd = await temporaryFolder(t)
  await mkdir(markFile(odd))
  const { shared: broken } = await enter(t, agreement, odd)
  await t.throwsAsync(broken.check(), notShared)
})

test('a mark that is hostile is just another one', async (t) => {
  const agreement = new Agreement()
  await enter(t, agreement, await temporaryFolder(t))
  const folder = await temporaryFolder(t)
  await writeFile(markFile(folder), Buffer.alloc(50_000_000, 1))
  const { shared } = await enter(t, agreement, folder)
  await t.throwsAsync(shared.check(), { ...notShared, message: /got one with another mark/ })
})

test('a folder that does not answer counts as not shared, and keeps nobody waiting for ever', async (t) => {
  const agreement = new Agreement()
  await enter(t, agreement, await temporaryFolder(t))
  const folder = await temporaryFolder(t)
  // Nobody writes into it, so it hangs as a network does that is gone.
  await promisify(execFile)('mkfifo', [markFile(folder)])
  const { shared, errors } = await enter(t, agreement, folder)
  t.teardown(() => writeFile(markFile(folder), ''))
  t.false(shared.seen)
  t.regex(errors[0]!.message, /did not answer within 5000 ms/)
})

test('nobody sweeps a folder that is not the one that the tasks know of', async (t) => {
  const agreement = new Agreement()
  await enter(t, agreement, await temporaryFolder(t))
  const folder = await temporaryFolder(t)
  const id = newId()
  await writeFile(join(folder, id), 'of another queue')
  const { store } = await enter(t, agreement, folder)
  const asked: string[] = []
  const sweeper = new Sweeper({
    store,
    usageOf: async (file) => void asked.push(file),
    limits: { keep: -1, keepUnnamed: -1 },
    onError: (error) => t.fail(error.message),
  })
  sweeper.start()
  await sweeper.forget([{ id, name: 'a', type: 'b', size: 1, path: join(folder, id) }])
  await sweeper.stop()
  t.deepEqual(asked, [])
  t.deepEqual(await readdir(folder), [id])
})
