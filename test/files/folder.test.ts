import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { makeFolder } from '../../src/files/folder.ts'
import { temporaryFolder } from '../support/folder.ts'

test('each folder that is made is on disk with the one above it, and those that are there are left alone', async (t) => {
  const base = fs.realpathSync(await temporaryFolder(t))
  const synced: string[] = []
  const { fsyncSync } = fs
  fs.fsyncSync = (descriptor) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${descriptor}`))
    fsyncSync(descriptor)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    fs.fsyncSync = fsyncSync
    syncBuiltinESMExports()
  })
  makeFolder(join(base, 'a', 'b', 'c'))
  t.deepEqual(synced.toSorted(), [base, join(base, 'a'), join(base, 'a', 'b')])
  synced.length = 0
  makeFolder(join(base, 'a', 'b', 'c'))
  makeFolder(join(base, 'a', 'd'))
  t.deepEqual(synced, [join(base, 'a')])
})
