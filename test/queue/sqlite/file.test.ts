import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../../support/folder.ts'
import { newTask } from '../conformance/subject.ts'
import { openQueue } from './opened.ts'

/** The bytes of a file and of what SQLite keeps beside it, as far as there is such. */
function bytesOf(file: string): Promise<(Buffer | null)[]> {
  return Promise.all(['', '-wal', '-shm'].map((ending) => readFile(file + ending).catch(() => null)))
}

/** Opening it must fail with one sentence, and leave it as it is. */
async function isRefused(t: ExecutionContext, file: string, code: string, message: RegExp): Promise<void> {
  const before = await bytesOf(file)
  const error = (await t.throwsAsync(openQueue(t, { file }), { code, message }))!
  t.notRegex(error.message, /\n/)
  t.true(error.message.startsWith(file), error.message)
  t.deepEqual(await bytesOf(file), before)
}

async function newFile(t: ExecutionContext): Promise<string> {
  return join(await temporaryFolder(t), 'queue.db')
}

/** A queue of many pages, closed; or as a crash leaves it, with the last tasks in its log. */
async function filled(t: ExecutionContext, crashed: boolean): Promise<string> {
  const file = await newFile(t)
  const args = JSON.stringify(['x'.repeat(1_000)])
  const tasks = Array.from({ length: 400 }, () => newTask({ args }))
  const first = await openQueue(t, { file })
  await first.add(...tasks.slice(0, 300))
  await first.engine.close()
  if (!crashed) return file
  const second = await openQueue(t, { file })
  await second.add(...tasks.slice(300))
  const copy = await newFile(t)
  for (const ending of ['', '-wal', '-shm']) await copyFile(file + ending, copy + ending)
  await second.engine.close()
  return copy
}

async function scramble(file: string, from: number, length: number): Promise<void> {
  const bytes = await readFile(file)
  randomBytes(length).copy(bytes, from)
  await writeFile(file, bytes)
}

const damages: [how: string, damage: (file: string, size: number) => Promise<void>][] = [
  ['cut off within its header', (file) => truncate(file, 100)],
  ['cut off after its header', (file) => truncate(file, 600)],
  ['cut off after its first page', (file) => truncate(file, 4_096)],
  ['cut in half', (file, size) => truncate(file, Math.floor(size / 2))],
  ['cut in half between pages', (file, size) => truncate(file, Math.floor(size / 8_192) * 4_096)],
  [
    'full of random bytes in the middle',
    (file, size) => scramble(file, Math.floor(size / 4), Math.floor(size / 2)),
  ],
  ['overwritten at its beginning', (file) => scramble(file, 0, 100)],
]

for (const [left, crashed] of [
  ['closed', false],
  ['left by a crash', true],
] as const) {
  test.serial(`a file that was ${left} and then damaged is refused, and stays as it is`, async (t) => {
    const whole = await filled(t, crashed)
    for (const [how, damage] of damages) {
      const file = await newFile(t)
      for (const [index, bytes] of (await bytesOf(whole)).entries())
        if (bytes !== null) await writeFile(file + ['', '-wal', '-shm'][index]!, bytes)
      await damage(file, (await readFile(file)).length)
      t.log(how)
      await isRefused(t, file, 'AFTERWORK_QUEUE_CORRUPT', /is damaged \(.+\) and was left as it is: /)
    }
  })
}

test.serial('a text is no queue', async (t) => {
  const file = await newFile(t)
  for (const length of [1, 20_000]) {
    await writeFile(file, 'a'.repeat(length))
    await isRefused(t, file, 'AFTERWORK_QUEUE_CORRUPT', /is damaged \(file is not a database\)/)
  }
})

for (const [what, setUp] of [
  ['as SQLite makes it by itself', ''],
  ['with a log', 'PRAGMA journal_mode = WAL;'],
  ['with an id of its own', 'PRAGMA application_id = 7;'],
] as const) {
  test.serial(`another application's database, ${what}, is refused, and stays as it is`, async (t) => {
    const file = await newFile(t)
    const other = new DatabaseSync(file)
    other.exec(`${setUp} CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)`)
    await isRefused(t, file, 'AFTERWORK_QUEUE_UNUSABLE', /is a database of something else; give the queue/)
    other.exec('INSERT INTO theirs VALUES (2)')
    other.close()
    await isRefused(t, file, 'AFTERWORK_QUEUE_UNUSABLE', /is a database of something else; give the queue/)
    const again = new DatabaseSync(file)
    const found = again.prepare('SELECT count(*) AS count FROM theirs').get()
    again.close()
    t.like(found, { count: 2 })
  })
}

test.serial('the file of a newer version is refused, and stays as it is', async (t) => {
  for (const crashed of [false, true]) {
    const file = await filled(t, crashed)
    const database = new DatabaseSync(file)
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as Record<string, number>
    database.exec(`PRAGMA user_version = ${version! + 1}`)
    const newer = await newFile(t)
    for (const [index, bytes] of (await bytesOf(file)).entries())
      if (bytes !== null) await writeFile(newer + ['', '-wal', '-shm'][index]!, bytes)
    database.close()
    await isRefused(
      t,
      newer,
      'AFTERWORK_QUEUE_UNUSABLE',
      /was written by a newer afterwork \(version 2 of the file, this one knows 1\)$/,
    )
  }
})

test.serial('an empty file and one in a folder that is missing are a new queue', async (t) => {
  const file = await newFile(t)
  await writeFile(file, '')
  const missing = join(await temporaryFolder(t), 'some', 'folders', 'queue.db')
  for (const given of [file, missing]) {
    const queue = await openQueue(t, { file: given })
    await queue.add(newTask())
    t.deepEqual(await queue.counters(), { queued: 1 })
  }
})

test.serial('an empty file with a log beside it has lost what it held, and the log is kept', async (t) => {
  const file = await filled(t, true)
  await truncate(file, 0)
  await isRefused(t, file, 'AFTERWORK_QUEUE_CORRUPT', /empty, though there is a log beside it/)
})

test.serial(
  'a folder in the place of the file, or a place that cannot be written to, is refused',
  async (t) => {
    const folder = await newFile(t)
    await mkdir(folder)
    await isRefused(t, folder, 'AFTERWORK_QUEUE_UNUSABLE', /cannot be used: EISDIR/)
    const text = await newFile(t)
    await writeFile(text, 'text')
    await isRefused(t, join(text, 'queue.db'), 'AFTERWORK_QUEUE_UNUSABLE', /cannot be used: (EEXIST|ENOTDIR)/)
    // Where root cannot write either.
    if (process.platform === 'linux')
      await isRefused(t, '/proc/queue.db', 'AFTERWORK_QUEUE_UNUSABLE', /cannot be used: .*unable to open/)
  },
)

test.serial('a queue that could not be opened, or never was, can be closed', async (t) => {
  const { SqliteQueue } = await import('../../../src/queue/sqlite/engine.ts')
  const engine = (file: string) => new SqliteQueue(file, { maxTasks: 1, maxBytes: 1 }, { tasks: 1 })
  const file = await newFile(t)
  await t.notThrowsAsync(engine(file).close())
  await writeFile(file, 'text')
  const refused = engine(file)
  await t.throwsAsync(refused.open(), { code: 'AFTERWORK_QUEUE_CORRUPT' })
  await t.notThrowsAsync(refused.close())
})
