import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createAfterwork } from 'afterwork'
import { upload } from 'afterwork/upload'
import { newId } from '../../src/core/id.ts'
import { FileStore } from '../../src/files/store.ts'
import { Sweeper, type SweeperParts } from '../../src/files/sweeper.ts'
import { quick } from '../support/app.ts'
import { isEmpty, temporaryFolder, untilFolder } from '../support/folder.ts'

const ended = new Date(Date.now() - 48 * 3_600_000)

/** A folder with old files that no task names. */
async function folderOf(t: ExecutionContext, ...ids: string[]): Promise<string> {
  const folder = join(await temporaryFolder(t), 'files')
  await mkdir(folder)
  for (const id of ids) {
    await writeFile(join(folder, id), 'left')
    await utimes(join(folder, id), ended, ended)
  }
  return folder
}

test('the start of an app sweeps what kills left', async (t) => {
  const folder = await folderOf(t, newId())
  const afterwork = createAfterwork({ ...quick, files: folder })
  t.teardown(() => afterwork.stop())
  upload({ afterwork })
  await afterwork.start()
  t.deepEqual(await untilFolder(folder, isEmpty), [])
})

test('a sweep that fails is told of', async (t) => {
  const folder = await folderOf(t, newId())
  const reason = new Error('the queue is away')
  const { error } = await swept(folder, async () => Promise.reject(reason))
  t.is(error, reason)
})

test('stop() waits until the tasks are no longer asked for, and nothing is removed after it', async (t) => {
  const [one, two] = [newId(), newId()]
  const folder = await folderOf(t, one, two)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<undefined>()
  const store = new FileStore(folder)
  store.prepare()
  const sweeper = new Sweeper({
    store,
    usageOf: () => {
      asked.resolve()
      return answer.promise
    },
    limits: { keep: 0, keepUnnamed: 0 },
    onError: (error) => t.fail(error.message),
  })
  sweeper.start()
  await asked.promise
  let stopped = false
  const stopping = sweeper.stop().then(() => (stopped = true))
  await new Promise(setImmediate)
  t.false(stopped)
  answer.resolve(undefined)
  await stopping
  t.is((await untilFolder(folder, () => true)).length, 1)
})

test('without a folder there is nothing to sweep', async (t) => {
  const store = new FileStore(join(await temporaryFolder(t), 'none'))
  const parts = { store, usageOf: async () => undefined, limits: { keep: 0, keepUnnamed: 0 } }
  const sweeper = new Sweeper({ ...parts, onError: (error) => t.fail(error.message) })
  sweeper.start()
  await sweeper.stop()
  await sweeper.forget([{ id: newId(), name: 'a', type: 'b', size: 1, path: '/c' }])
  t.false(store.prepared)
})

async function swept(folder: string, usageOf: SweeperParts['usageOf']): Promise<{ error: Error }> {
  const store = new FileStore(folder)
  store.prepare()
  const { promise, resolve } = Promise.withResolvers<Error>()
  const sweeper = new Sweeper({
    store,
    usageOf,
    limits: { keep: 0, keepUnnamed: 0 },
    onError: resolve,
  })
  sweeper.start()
  const error = await promise
  await sweeper.stop()
  return { error }
}
