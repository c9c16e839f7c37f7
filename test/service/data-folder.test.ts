import { spawnSync } from 'node:child_process'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { forgetSigning } from '../../src/service/data-folder.ts'
import { temporaryFolder } from '../support/folder.ts'

test('what a killed process left of messages goes, and that of processes that live, here or elsewhere, stays', async (t) => {
  const data = await temporaryFolder(t)
  const dead = spawnSync(process.execPath, ['--version']).pid
  const folders = [`${hostname()}-${process.pid}`, `${hostname()}-${dead}`, 'another.machine-1', '4711']
  for (const folder of folders) {
    await mkdir(join(data, 'signing', folder), { recursive: true })
    for (const name of ['old', 'new']) await writeFile(join(data, 'signing', folder, name), '')
    await utimes(join(data, 'signing', folder, 'old'), 0, 0)
  }
  forgetSigning(data)
  const left = (await readdir(join(data, 'signing'), { recursive: true })).toSorted()
  const own = folders[0]!
  const rest = [
    '4711',
    '4711/new',
    'another.machine-1',
    'another.machine-1/new',
    own,
    `${own}/new`,
    `${own}/old`,
  ]
  t.deepEqual(left, rest.toSorted())
})

test('where nothing was ever signed there is nothing to forget', async (t) => {
  const data = await temporaryFolder(t)
  t.notThrows(() => forgetSigning(data))
})
