import { randomFillSync } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { recover } from '../../../src/queue/sqlite/recover/recover.ts'
import type { Recovery } from '../../../src/queue/sqlite/recover/report.ts'
import { buildQueue, claimAll, opened } from '../../cli/queue-to-damage.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { newGroup, newTask } from '../conformance/subject.ts'

const pageSize = 4_096
type Row = Record<string, unknown> & { seq: number; id: string; state: number; rank: number }
type Recovered = Extract<Recovery, { outcome: 'recovered' }>

/** A sound queue, and what it holds. */
let folder: string
let closed: string
let truth: Map<number, Row>
let pages: { pageno: number; name: string; pagetype: string }[]

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterwork-salvage-'))
  closed = join(folder, 'closed.db')
  await buildQueue(closed)
  const database = new DatabaseSync(closed)
  const rows = database.prepare('SELECT * FROM tasks').all() as unknown as Row[]
  truth = new Map(rows.map((row) => [row.seq, row]))
  pages = database.prepare('SELECT pageno, name, pagetype FROM dbstat').all() as unknown as typeof pages
  database.close()
})

test.after.always(() => rm(folder, { recursive: true, force: true }))

/** A copy of the sound file, damaged. */
async function damaged(t: ExecutionContext, damage: (content: Buffer) => Buffer | void): Promise<string> {
  const file = join(await temporaryFolder(t), 'queue.db')
  const content = readFileSync(closed)
  writeFileSync(file, damage(content) ?? content)
  return file
}

function pageOf(name: string, type: string): number {
  return pages.find((page) => page.name === name && page.pagetype === type)!.pageno
}

function page(content: Buffer, number: number): Buffer {
  return content.subarray((number - 1) * pageSize, number * pageSize)
}

function recovered(t: ExecutionContext, file: string): Recovered {
  const recovery = recover(file, Date.now())
  if (recovery.outcome !== 'recovered') return t.fail('it was taken for healthy') as never
  return recovery
}

/** The file is sound, agrees with itself, has what the report says and nothing else; its tasks can be claimed in order. */
async function checkSaved(t: ExecutionContext, file: string, { saved, kept }: Recovered): Promise<Row[]> {
  const database = new DatabaseSync(file)
  t.is(database.prepare('PRAGMA integrity_check').get()!['integrity_check'], 'ok')
  const rows = database.prepare('SELECT * FROM tasks ORDER BY seq').all() as unknown as Row[]
  const files = database.prepare('SELECT count(*) AS count FROM file_uses').get()!['count']
  database.close()
  t.is(files, rows.filter((row) => row['files'] !== null).length)
  t.is(rows.length, sum(saved))
  for (const row of rows) t.is(truth.get(row.seq)?.id, row.id)
  t.true(existsSync(kept))
  t.deepEqual(
    (await readdir(join(file, '..'))).filter((name) => name.includes('recovering')),
    [],
  )

  const { counters, suspects, claimed } = await claimAll(file)
  t.is(sum(counters), rows.length)
  t.is(new Set([...claimed, ...suspects]).size, claimed.length + suspects.length)
  const known = new Map(rows.map((row) => [row.id, row]))
  const order = claimed.map((id) => known.get(id)!)
  t.deepEqual(
    order,
    order.toSorted((one, other) => one.rank - other.rank || one.seq - other.seq),
  )
  const ready = rows.filter(({ state }) => state === 1)
  for (const { id } of ready) t.true(claimed.includes(id) || suspects.includes(id))
  return rows
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

const fill = {
  zeros: (part: Buffer) => part.fill(0),
  noise: (part: Buffer) => randomFillSync(part),
} as const

for (const [how, overwrite] of Object.entries(fill)) {
  for (const [name, type] of [
    ['tasks_by_id', 'leaf'],
    ['tasks_by_id', 'internal'],
    ['tasks_of_group', 'leaf'],
    ['tasks_live_key', 'leaf'],
    ['file_uses', 'leaf'],
    ['tasks', 'internal'],
    ['aliases', 'leaf'],
    ['attempts', 'leaf'],
    ['totals', 'leaf'],
    ['sqlite_schema', 'leaf'],
    ['sqlite_schema', 'internal'],
  ] as const) {
    test(`no task is lost with a page of ${name} (${type}, ${how})`, async (t) => {
      const file = await damaged(t, (content) => void overwrite(page(content, pageOf(name, type))))
      const recovery = recovered(t, file)
      t.is(recovery.lost.count, 0)
      t.is((await checkSaved(t, file, recovery)).length, truth.size)
    })
  }

  for (const [type, most] of [
    ['leaf', 40],
    ['overflow', 1],
  ] as const) {
    test(`only the tasks on it are lost with a page of tasks (${type}, ${how}), and they are named`, async (t) => {
      const file = await damaged(t, (content) => void overwrite(page(content, pageOf('tasks', type))))
      const recovery = recovered(t, file)
      const rows = await checkSaved(t, file, recovery)
      const missing = truth.size - rows.length
      t.true(missing >= 1 && missing <= most)
      t.is(recovery.lost.count + recovery.dropped.count, missing)
      t.true(recovery.lost.exact)
      const lost = [...recovery.lost.ids, ...recovery.dropped.tasks.map(({ id }) => id)]
      t.is(lost.length, Math.min(missing, 20))
      for (const id of lost) t.false(rows.some((row) => row.id === id))
    })
  }
}

test('a damaged header costs nothing', async (t) => {
  const file = await damaged(t, (content) => void content.fill(0xff, 0, 100))
  const recovery = recovered(t, file)
  t.is(recovery.lost.count, 0)
  t.is((await checkSaved(t, file, recovery)).length, truth.size)
})

for (const share of [0.25, 0.5, 0.9]) {
  test(`a file that was cut off at ${share * 100}% gives what is left`, async (t) => {
    const file = await damaged(t, (content) =>
      content.subarray(0, Math.floor(content.length * share) - 1_000),
    )
    const recovery = recovered(t, file)
    const rows = await checkSaved(t, file, recovery)
    t.true(rows.length > 0)
    t.true(recovery.lost.count >= truth.size - rows.length)
  })
}

test('a row whose values make no sense is dropped and named', async (t) => {
  const file = join(await temporaryFolder(t), 'queue.db')
  copyFileSync(closed, file)
  const database = new DatabaseSync(file)
  database.exec(`UPDATE tasks SET state = 9 WHERE seq = 1500; UPDATE tasks SET options = '{' WHERE seq = 1501;
    UPDATE tasks SET args = '["z"]' WHERE seq = 1502; DELETE FROM totals`)
  database.close()
  const recovery = recovered(t, file)
  t.is(recovery.dropped.count, 3)
  t.deepEqual(
    recovery.dropped.tasks.map(({ id, why }) => [id, why]),
    [
      [truth.get(1500)!.id, 'state makes no sense'],
      [truth.get(1501)!.id, 'options makes no sense'],
      [truth.get(1502)!.id, 'args are not as long as they were'],
    ],
  )
  t.is((await checkSaved(t, file, recovery)).length, truth.size - 3)
})

test('what only runs after success is cancelled when its predecessor is lost, and others go on', async (t) => {
  const file = join(await temporaryFolder(t), 'queue.db')
  const queue = await opened(file)
  const [first, second, third] = newGroup({}, {}, { options: { onlyAfterSuccess: true } })
  await queue.add([first!, second!, third!], { held: false })
  await queue.close()
  const database = new DatabaseSync(file)
  database.exec('UPDATE tasks SET state = 9 WHERE seq = 1; DELETE FROM totals')
  database.close()
  const { saved, notes } = recovered(t, file)
  t.is(saved.cancelled, 1)
  t.true(notes.some((note) => /^Tasks cancelled .* lost: 1\./.test(note)))
  const again = await opened(file)
  t.deepEqual(
    (await again.claim('cpu', 9)).map(({ id }) => id),
    [second!.id],
  )
  t.is((await again.get(third!.id))?.error?.code, 'AFTERWORK_PREDECESSOR_FAILED')
  await again.close()
})

test('an at-most-once task that may have started does not start again', async (t) => {
  const file = join(await temporaryFolder(t), 'queue.db')
  const queue = await opened(file)
  const task = newTask({ options: { delivery: 'at-most-once' } })
  await queue.add([task, newTask()], { held: false })
  await queue.close()
  const database = new DatabaseSync(file)
  const { rootpage } = database
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'attempts'")
    .get() as {
    rootpage: number
  }
  database.close()
  const content = readFileSync(file)
  writeFileSync(file, (page(content, rootpage).fill(0), content))
  recovered(t, file)
  const again = await opened(file)
  t.is((await again.get(task.id))?.error?.code, 'AFTERWORK_INTERRUPTED')
  t.is((await again.claim('cpu', 9)).length, 1)
  await again.close()
})

/** The queue as a crash leaves it, with the newest 300 tasks in its log; gives their ids. */
async function withLog(t: ExecutionContext): Promise<{ file: string; added: string[] }> {
  const folder = await temporaryFolder(t)
  const [live, file] = [join(folder, 'live.db'), join(folder, 'queue.db')]
  copyFileSync(closed, live)
  const queue = await opened(live)
  const added: string[] = []
  for (let count = 0; count < 300; count++) {
    const task = newTask({ args: JSON.stringify(['z'.repeat(500)]) })
    await queue.add([task], { held: false })
    added.push(task.id)
  }
  for (const ending of ['', '-wal']) copyFileSync(live + ending, file + ending)
  await queue.close()
  return { file, added }
}

function idsIn(file: string): Set<string> {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT id FROM tasks').all() as unknown as { id: string }[]
  database.close()
  return new Set(rows.map(({ id }) => id))
}

test('the log is read with the file', async (t) => {
  const { file, added } = await withLog(t)
  const content = readFileSync(file)
  writeFileSync(file, (content.fill(0, 0, 16), content))
  const { kept, lost } = recovered(t, file)
  const ids = idsIn(file)
  t.is(lost.count, 0)
  t.true(added.every((id) => ids.has(id)))
  t.true(existsSync(`${kept}-wal`))
})

for (const [what, from, to] of [
  ['one page of it', 0.4, undefined],
  ['its header', 0, 32],
] as const) {
  test(`what the log holds behind a damage of ${what} is saved`, async (t) => {
    const { file, added } = await withLog(t)
    const log = readFileSync(`${file}-wal`)
    const at = Math.floor(log.length * from)
    log.fill(0xaa, at, to ?? at + 1_000)
    writeFileSync(`${file}-wal`, log)
    recovered(t, file)
    const ids = idsIn(file)
    t.true(added.filter((id) => ids.has(id)).length >= added.length - 20)
    t.true([...truth.values()].every(({ id }) => ids.has(id)))
  })
}

test('a log that was cut off is no damage: what it lacks was never acknowledged, or cannot be known', async (t) => {
  const { file } = await withLog(t)
  truncateSync(`${file}-wal`, 100_000)
  t.is(recover(file, Date.now()).outcome, 'healthy')
})

test('an empty file with a log beside it gives what the log holds', async (t) => {
  const folder = await temporaryFolder(t)
  const [live, file] = [join(folder, 'live.db'), join(folder, 'queue.db')]
  const queue = await opened(live)
  await queue.add([newTask(), newTask()], { held: false })
  writeFileSync(file, '')
  copyFileSync(`${live}-wal`, `${file}-wal`)
  await queue.close()
  t.is(recovered(t, file).saved.queued, 2)
})

test('a healthy queue is left alone', async (t) => {
  const { file } = await withLog(t)
  const before = [readFileSync(file), readFileSync(`${file}-wal`)]
  t.deepEqual(recover(file, Date.now()), { outcome: 'healthy', file })
  t.deepEqual([readFileSync(file), readFileSync(`${file}-wal`)], before)
})
