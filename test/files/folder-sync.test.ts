import { mkdir, open, readlink, rm, type FileHandle } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { FolderSync } from '../../src/files/folder-sync.ts'
import { temporaryFolder } from '../support/folder.ts'

/** One call of fsync(2) for a folder, which ends when it is let. */
interface HeldSync {
  path: string
  end: (error?: Error) => void
}

/** Holds every fsync(2) up; gives the calls as they come. */
async function holdSyncs(t: ExecutionContext): Promise<AsyncIterator<HeldSync>> {
  const handle = await open(import.meta.filename)
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const sync = Reflect.get(prototype, 'sync') as (this: FileHandle) => Promise<void>
  const held = new ReadableStream<HeldSync>({
    start(controller) {
      prototype.sync = async function (this: FileHandle) {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const path = await readlink(`/proc/self/fd/${this.fd}`)
        controller.enqueue({ path, end: (error) => (error === undefined ? resolve() : reject(error)) })
        await promise
        await sync.call(this)
      }
    },
  })
  t.teardown(() => {
    prototype.sync = sync
  })
  return held[Symbol.asyncIterator]()
}

async function nextOf(held: AsyncIterator<HeldSync>): Promise<HeldSync> {
  return (await held.next()).value as HeldSync
}

// Whoever replaces fsync for all must be alone.
test.serial('those who ask while a sync goes on share the one after it', async (t) => {
  const folder = await temporaryFolder(t)
  const held = await holdSyncs(t)
  const shared = new FolderSync(folder)
  const ended: string[] = []
  const ask = (name: string): Promise<unknown> => shared.sync().then(() => ended.push(name))

  const asked = [ask('first')]
  const first = await nextOf(held)
  t.is(first.path, folder)
  asked.push(ask('second'), ask('third'))
  first.end()
  const second = await nextOf(held)
  t.deepEqual(ended, ['first'], 'a sync that began before they asked is none of theirs')
  asked.push(ask('fourth'))
  second.end()
  const third = await nextOf(held)
  t.deepEqual(ended, ['first', 'second', 'third'])
  third.end()
  await Promise.all(asked)

  const last = ask('fifth')
  const fourth = await nextOf(held)
  fourth.end()
  await last
  t.deepEqual(ended, ['first', 'second', 'third', 'fourth', 'fifth'])
})

test.serial('a sync that fails is the error of those who share it, and of nobody else', async (t) => {
  const held = await holdSyncs(t)
  const shared = new FolderSync(await temporaryFolder(t))
  const [one, two, three] = [shared.sync(), shared.sync(), shared.sync()]
  const failed = Promise.allSettled([one, two, three])
  const first = await nextOf(held)
  first.end(new Error('EIO'))
  const second = await nextOf(held)
  const four = shared.sync()
  second.end()
  const third = await nextOf(held)
  third.end(new Error('EIO, again'))
  await t.throwsAsync(four, { message: 'EIO, again' })
  t.deepEqual(
    (await failed).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
})

test.serial('a folder that is gone is an error, until it is back', async (t) => {
  const folder = await temporaryFolder(t)
  const shared = new FolderSync(folder)
  await shared.sync()
  await rm(folder, { recursive: true })
  await t.throwsAsync(shared.sync(), { code: 'ENOENT' })
  await mkdir(folder)
  await t.notThrowsAsync(shared.sync())
})
