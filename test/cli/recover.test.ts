import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type ExecutionContext } from 'ava'
import { newTask } from '../queue/conformance/subject.ts'
import { temporaryFolder } from '../support/folder.ts'
import { command, type Ended } from '../support/process.ts'
import { buildQueue, opened } from './queue-to-damage.ts'

/** A folder as the service has it, with a queue in data/queue.db. */
async function withQueue(t: ExecutionContext): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'data'))
  const file = join(folder, 'data', 'queue.db')
  await buildQueue(file, 400)
  return { folder, file }
}

/** Takes away its header and its second page, which leads to all tasks. */
function damage(file: string): void {
  const content = readFileSync(file)
  content.fill(0, 0, 16).fill(0, 4_096, 8_192)
  writeFileSync(file, content)
}

async function run(
  t: ExecutionContext,
  folder: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return await (
    await command(t, ['tasks', 'recover', ...args], env, folder)
  ).ended
}

/** It must end with one line on standard error and this code. */
function refused(t: ExecutionContext, { code, stdout, stderr }: Ended, line: RegExp, expected = 1): void {
  t.regex(stderr, /^afterwork: [^\n]+\n$/)
  t.regex(stderr, line)
  t.is(stdout, '')
  t.is(code, expected)
}

function countIn(file: string): number {
  const database = new DatabaseSync(file)
  const row = database.prepare('SELECT count(*) AS count FROM tasks').get() as { count: number }
  database.close()
  return row.count
}

test('a damaged queue is saved, the damaged file is kept, and the service can start on what was saved', async (t) => {
  const { folder, file } = await withQueue(t)
  const before = countIn(file)
  damage(file)
  const bytes = readFileSync(file)
  const { code, stdout, stderr } = await run(t, folder)
  t.deepEqual([code, stderr], [0, ''])
  t.regex(stdout, new RegExp(`saved +${before}\n +not readable +0\n +dropped +0\n`))
  const kept = /The damaged file is kept: (.+)/.exec(stdout)![1]!
  t.is(dirname(kept), dirname(file))
  t.deepEqual(readFileSync(kept), bytes)
  const line = await command(t, ['serve', '--port', '0'], {}, folder)
  await line.listening()
})

test('--json gives one object, on the queue that flags, environment or the config file name', async (t) => {
  const { folder, file } = await withQueue(t)
  damage(file)
  const elsewhere = join(folder, 'data', 'other.db')
  for (const [args, env] of [
    [['--queue', 'sqlite:data/other.db'], { AFTERWORK_QUEUE: 'memory:' }],
    [[], { AFTERWORK_QUEUE: 'sqlite:data/other.db' }],
  ] as const) {
    copyFileSync(file, elsewhere)
    const { code, stdout } = await run(t, folder, [...args, '--json'], env)
    t.is(code, 0)
    const told = JSON.parse(stdout)
    t.deepEqual([told.outcome, told.file, told.lost.count], ['recovered', elsewhere, 0])
    t.true(existsSync(told.kept))
  }
  await writeFile(
    join(folder, 'afterwork.config.json'),
    '{"data": "data", "port": 1, "mailAllow": ["a.example"]}',
  )
  const { stdout } = await run(t, folder, ['--json'])
  t.is(JSON.parse(stdout).file, file)
})

test('a healthy queue is left alone, with code 0', async (t) => {
  const { folder, file } = await withQueue(t)
  const { code, stdout } = await run(t, folder, ['--data', 'data'])
  t.deepEqual([code, stdout], [0, `${file} is not damaged: there is nothing to recover\n`])
  t.deepEqual((await readdir(dirname(file))).toSorted(), ['queue.db', 'queue.db-lock'])
  const json = await run(t, folder, ['--json'])
  t.deepEqual(JSON.parse(json.stdout), { outcome: 'healthy', file })
})

test('a queue that a process holds is refused, and so are memory:, a missing file and what is no queue', async (t) => {
  const { folder, file } = await withQueue(t)
  const queue = await opened(file)
  refused(t, await run(t, folder), new RegExp(`is in use by process ${process.pid}`))
  await queue.close()
  refused(t, await run(t, folder, ['--queue', 'memory:']), /memory: keeps nothing in a file/)
  refused(t, await run(t, folder, ['--queue', 'redis:x']), /queue: Expected 'sqlite:' .*, got "redis:x"/)
  refused(t, await run(t, folder, ['--data', 'none']), /There is no queue at .*none.queue\.db/)
  const text = join(folder, 'notes.txt')
  await writeFile(text, 'not a database\n'.repeat(1_000))
  refused(t, await run(t, folder, ['--queue', `sqlite:${text}`]), /holds nothing of a queue .*left as it is/)
  t.is(await readFile(text, 'utf8'), 'not a database\n'.repeat(1_000))
  const other = join(folder, 'other.db')
  const database = new DatabaseSync(other)
  database.exec('CREATE TABLE things (thing)')
  database.close()
  refused(t, await run(t, folder, ['--queue', `sqlite:${other}`]), /a database of something else/)
})

test('unknown flags and commands are refused with what was meant', async (t) => {
  const folder = await temporaryFolder(t)
  refused(
    t,
    await run(t, folder, ['--jsn']),
    /tasks recover: Expected a known flag, got "--jsn", did you mean "json"\?/,
  )
  refused(t, await run(t, folder, ['now']), /tasks recover: Expected flags only, got "now"/)
  refused(t, await run(t, folder, ['--data']), /--data: Expected a value, got undefined/)
  const tasks = async (...args: string[]) => await (await command(t, ['tasks', ...args], {}, folder)).ended
  refused(t, await tasks(), /afterwork tasks: Expected list, .* or recover, got undefined/, 2)
  refused(t, await tasks('recovr'), /got "recovr", did you mean "recover"\?/, 2)
})

/** Kills the process after so many of its changes to files. */
function killedAfter(count: number): NodeJS.ProcessEnv {
  const source = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    let left = ${count}
    for (const name of ['linkSync', 'renameSync', 'rmSync', 'fsyncSync']) {
      const original = fs[name]
      fs[name] = (...args) => {
        original(...args)
        if (--left === 0) process.kill(process.pid, 'SIGKILL')
      }
    }
    syncBuiltinESMExports()`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` }
}

test('killed at any step it leaves the damaged queue or the saved one, and goes on when it is run again', async (t) => {
  t.timeout(120_000)
  const { folder, file } = await withQueue(t)
  const [live, sound] = [join(folder, 'live.db'), join(folder, 'sound.db')]
  copyFileSync(file, live)
  const queue = await opened(live)
  for (let count = 0; count < 20; count++) await queue.add([newTask()], { held: false })
  for (const ending of ['', '-wal']) copyFileSync(live + ending, sound + ending)
  await queue.close()
  const expected = countIn(live)
  damage(sound)
  let steps = 0
  for (let killed = true; killed;) {
    const data = join(folder, `data-${++steps}`)
    await mkdir(data)
    const damaged = join(data, 'queue.db')
    for (const ending of ['', '-wal']) copyFileSync(sound + ending, damaged + ending)
    killed = (await run(t, folder, ['--data', data], killedAfter(steps))).signal === 'SIGKILL'

    // What a start would find.
    const start = join(folder, `start-${steps}.db`)
    for (const ending of ['', '-wal'])
      if (existsSync(damaged + ending)) copyFileSync(damaged + ending, start + ending)
    const begun = await opened(start).catch((error: unknown) => error as Error & { code: string })
    if (begun instanceof Error) t.is(begun.code, 'AFTERWORK_QUEUE_CORRUPT')
    else {
      await begun.close()
      t.is(countIn(start), expected)
    }

    const again = await run(t, folder, ['--data', data, '--json'])
    t.is(again.code, 0, again.stderr)
    t.is(countIn(damaged), expected)
    const names = await readdir(data)
    t.false(
      names.some((name) => name.includes('recovering')),
      names.join(' '),
    )
  }
  t.true(steps > 15)
})
