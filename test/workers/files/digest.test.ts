import { execFileSync } from 'node:child_process'
import { appendFileSync, closeSync, openSync, readdirSync, truncateSync, writeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { digest } from '../../../workers/files/digest.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { sha256 } from './subject.ts'

const mebibyte = 1024 * 1024

/** No two pieces of it are alike. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(at, at)
  return bytes
}

const never = new AbortController().signal

for (const size of [
  0,
  1,
  mebibyte - 1,
  mebibyte,
  mebibyte + 1,
  2 * mebibyte,
  3 * mebibyte,
  5 * mebibyte + 7,
]) {
  test(`all of a file of ${size} bytes is hashed, in order, and each piece is told of`, async (t) => {
    const path = join(await temporaryFolder(t), 'file')
    const bytes = content(size)
    await writeFile(path, bytes)
    const told: number[] = []
    t.deepEqual(await digest(path, never, (done) => told.push(done)), { size, sha256: sha256(bytes) })
    const pieces = Array.from({ length: Math.ceil(size / mebibyte) }, (_, piece) =>
      Math.min(size, (piece + 1) * mebibyte),
    )
    t.deepEqual(told, pieces)
  })
}

test('a read that gives less than it could is not the end', async (t) => {
  const path = join(await temporaryFolder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const bytes = content(40_000)
  // Both ends, so that neither waits for the other.
  const pipe = openSync(path, 'r+')
  writeSync(pipe, bytes, 0, 10_000)
  const parts: number[] = []
  const found = await digest(path, never, (done) => {
    parts.push(done)
    if (done === 10_000) writeSync(pipe, bytes, 10_000, 30_000)
    else closeSync(pipe)
  })
  t.deepEqual(found, { size: 40_000, sha256: sha256(bytes) })
  t.deepEqual(parts, [10_000, 40_000])
})

test('a file that grows meanwhile is hashed as far as its size says', async (t) => {
  const path = join(await temporaryFolder(t), 'file')
  const bytes = content(4 * mebibyte)
  await writeFile(path, bytes.subarray(0, 3 * mebibyte))
  let grown = false
  const found = await digest(path, never, () => {
    if (grown) return
    grown = true
    appendFileSync(path, bytes.subarray(3 * mebibyte))
  })
  t.deepEqual(found, { size: bytes.length, sha256: sha256(bytes) })
})

test('a file that is cut meanwhile is hashed as far as its size says', async (t) => {
  const path = join(await temporaryFolder(t), 'file')
  const bytes = content(8 * mebibyte)
  await writeFile(path, bytes)
  const size = 3 * mebibyte + 5
  const found = await digest(path, never, () => truncateSync(path, size))
  t.deepEqual(found, { size, sha256: sha256(bytes.subarray(0, size)) })
})

/** Files of this process that are open, by the system's account. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}

test.serial('an abort ends it at the next piece, with the reason, and leaves nothing open', async (t) => {
  const path = join(await temporaryFolder(t), 'file')
  await writeFile(path, content(8 * mebibyte))
  const before = openFiles()
  const stop = new AbortController()
  const reason = new Error('enough')
  const told: number[] = []
  const ended = digest(path, stop.signal, (done) => {
    told.push(done)
    if (told.length === 2) stop.abort(reason)
  })
  t.is(await t.throwsAsync(ended), reason)
  t.deepEqual(told, [mebibyte, 2 * mebibyte])
  t.is(openFiles(), before)
})

test.serial('what cannot be read is the error of the system', async (t) => {
  const folder = await temporaryFolder(t)
  const before = openFiles()
  await t.throwsAsync(
    digest(join(folder, 'gone'), never, () => {}),
    { code: 'ENOENT' },
  )
  await t.throwsAsync(
    digest(folder, never, () => {}),
    { code: 'EISDIR' },
  )
  t.is(openFiles(), before)
})
