import { spawn } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/folder.ts'

const demo = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))

/** How a demo ended, and what it said and left. */
interface Ended {
  code: number | null
  stdout: string
  stderr: string
  /** What is in the folder that was given to it as the one for temporary files. */
  left: string[]
}

/** Runs the demo as people do; `heard` sees what it prints, as it prints it. */
async function run(
  t: ExecutionContext,
  args: string[],
  heard?: (text: string, pid: number) => void,
): Promise<Ended> {
  const temporary = await temporaryFolder(t)
  const env = { ...process.env, TMPDIR: temporary, SMTP_URL: 'smtp://127.0.0.1:1', PORT: '1', NO_COLOR: '1' }
  const child = spawn(process.execPath, [demo, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    heard?.(stdout, child.pid!)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr, left: await readdir(temporary) }
}

test('makes a picture, shows answers, work, delay and results, and leaves nothing behind', async (t) => {
  const { code, stdout, stderr, left } = await run(t, [])
  t.is(stderr, '')
  t.is(code, 0)
  t.regex(stdout, /POST \/upload-file +202 +[\d.]+ m?s/)
  t.regex(stdout, /POST \/send-email +202 +[\d.]+ m?s/)
  t.regex(stdout, /POST \/send-notification\/ada@example\.com +202 +[\d.]+ m?s/)
  t.regex(stdout, /files\.processFile +100% +done in [\d.]+ m?s/)
  t.regex(stdout, /all the work +[\d.]+ m?s/)
  t.regex(stdout, /event-loop delay +[\d.]+ m?s at most/)
  t.regex(stdout, /4000 x 3000 pixels/)
  t.regex(stdout, /http:\/\/127\.0\.0\.1:\d+\/files\/[\da-f-]+\/w640\.webp +640 x 480, [\d.]+ k?B/)
  t.regex(stdout, /outbox\/[\da-f-]+\.eml +\d+ B/)
  t.regex(stdout, /found query: photos\n +notification for ada@example\.com: your photo has arrived\n/)
  t.false(stdout.includes('\x1b'), 'no terminal, no control sequences')
  t.deepEqual(left, [])
})

test('takes any file, and says what it is when it is no picture', async (t) => {
  const notes = join(await temporaryFolder(t), 'notes.txt')
  await writeFile(notes, 'hello')
  const { code, stdout, left } = await run(t, [notes])
  t.is(code, 0)
  t.regex(stdout, /notes\.txt, 5 B/)
  t.regex(stdout, /notes\.txt is no picture .* sha-256 is 2cf24dba5fb0a30e/)
  t.deepEqual(left, [])
})

test('says in one line that the file is missing, and starts nothing', async (t) => {
  const { code, stdout, stderr, left } = await run(t, ['/nowhere/photo.jpg'])
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /^demo: \/nowhere\/photo\.jpg cannot be read: .*no such file.*\n$/)
  t.deepEqual(left, [])
})

test('says in one line which task failed, and why', async (t) => {
  const broken = join(await temporaryFolder(t), 'broken.png')
  await writeFile(broken, Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))
  const { code, stderr, left } = await run(t, [broken])
  t.is(code, 1)
  t.regex(stderr, /^demo: files\.processFile failed: BROKEN_IMAGE .+\n$/)
  t.deepEqual(left, [])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`cleans up after ${signal}`, async (t) => {
    const notes = join(await temporaryFolder(t), 'notes.txt')
    await writeFile(notes, 'hello')
    let told = false
    const { code, stderr, left } = await run(t, [notes], (text, pid) => {
      if (told || !text.includes('The service listens')) return
      told = true
      process.kill(pid, signal)
    })
    t.true(told)
    t.is(code, 1)
    t.is(stderr, `demo: ended by ${signal}\n`)
    t.deepEqual(left, [])
  })
}
