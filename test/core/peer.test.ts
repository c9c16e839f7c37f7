import test from 'ava'
import { importPeer } from '../../src/core/peer.ts'

const missing: string = 'not-installed-at-all'

test('a package that is installed is given', async (t) => {
  const { default: pg } = await importPeer('A queue needs pg', 'pg', () => import('pg'))
  t.is(typeof pg.Client, 'function')
})

test('one that is not is named, with the command that brings it', async (t) => {
  await t.throwsAsync(
    importPeer('A queue needs it', `${missing}@1.2.3`, () => import(missing)),
    {
      code: 'AFTERWORK_PACKAGE_MISSING',
      message: 'A queue needs it: npm install not-installed-at-all@1.2.3',
    },
  )
})

test('one that is there and fails is told as it is', async (t) => {
  const broken = () => Promise.reject(new RangeError('no such platform'))
  await t.throwsAsync(importPeer('A queue needs it', 'it', broken), { instanceOf: RangeError })
})
