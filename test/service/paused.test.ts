import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { PausedPools } from '../../src/service/paused.ts'
import { startAfterwork } from '../support/app.ts'
import { temporaryFolder } from '../support/folder.ts'
import { tasks } from '../support/tasks.ts'

test('a start resumes what tasks paused in the pools that it works on, and leaves those of other processes', async (t) => {
  const data = await temporaryFolder(t)
  const { afterwork } = await startAfterwork(t)
  await afterwork.pausePool('cpu')
  await afterwork.pausePool('mail')
  const file = join(data, 'paused.json')
  await writeFile(file, JSON.stringify(['mail', 'cpu']))
  const pools = new PausedPools(afterwork, data, ['cpu'])
  t.deepEqual(
    pools.list.map(({ message }) => message),
    ['paused by a task', 'paused by a task'],
  )
  await pools.resume()
  t.deepEqual(
    afterwork.pools().map(({ name, paused }) => [name, paused]),
    [
      ['cpu', false],
      ['mail', true],
    ],
  )
  t.deepEqual(JSON.parse(await readFile(file, 'utf8')), ['mail'])
  await afterwork.resumePool('mail')
  await t.throwsAsync(readFile(file), { code: 'ENOENT' })
})

test('what a task paused and somebody then paused by hand stays so, whoever starts', async (t) => {
  const data = await temporaryFolder(t)
  const { afterwork, events } = await startAfterwork(t)
  const pools = new PausedPools(afterwork, data, ['cpu', 'mail'])
  await afterwork.addTask(tasks.steps.pauses)
  await events.until('pool.paused')
  t.deepEqual(pools.list, [{ pool: 'cpu', code: 'WRONG', message: 'wrong password' }])
  await afterwork.pausePool('cpu')
  t.deepEqual(pools.list, [{ pool: 'cpu', code: null, message: 'paused by hand' }])
  await new PausedPools(afterwork, data, ['cpu', 'mail']).resume()
  t.true(afterwork.pools()[0]!.paused)
})
