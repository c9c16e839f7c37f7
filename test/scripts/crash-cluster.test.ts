import { spawn } from 'node:child_process'
import { chmod, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { judge } from '../../scripts/crash/judge.ts'
import { rolesOf } from '../../scripts/crash/roles.ts'
import { temporaryFolder } from '../support/folder.ts'
import { cutGroup, first, second, Story } from './crash-story.ts'

const crash = fileURLToPath(new URL('../../scripts/crash.ts', import.meta.url))

/** A process that lives on while the first is killed. */
const third = 3

/** A made-up run of several processes. */
function shared(story: Story): Story {
  story.outages = []
  return story
}

test('a deployment takes requests in one process, works in another, and the third does not work', (t) => {
  t.deepEqual(rolesOf(1), ['serve'])
  t.deepEqual(rolesOf(5), ['serve', 'work', 'serve --no-work', 'work', 'work'])
})

test('what was cut may run after others, and beside those of other processes', (t) => {
  const story = shared(cutGroup())
  story.request('r', 202, {}, { ordered: false })
  for (const marker of ['r.0', 'r.1']) story.record(marker)
  const [cut, again, ...rest] = story.journal.splice(0)
  story.journal.push(cut!)
  for (const [marker, pid] of [
    ['r.0', second],
    ['r.1', third],
  ] as const)
    story.tell('begin', marker, { pid })
  story.tell('end', 'r.0')
  story.journal.push(again!, ...rest)
  story.tell('end', 'r.1', { pid: third })
  t.deepEqual(story.broken, {})
})

test('a task beside one that was cut, in the same process, is found out', (t) => {
  const story = shared(cutGroup())
  story.request('r', 202, {})
  story.record('r.0')
  story.tell('begin', 'r.0')
  story.tell('end', 'r.0')
  t.deepEqual(story.broken, {})
  story.journal.splice(2, 0, ...story.journal.splice(-2))
  t.deepEqual(story.broken, {
    'what was cut ran alone in its process': ['was cut, and then began in line 1 beside r.0'],
  })
})

test('a process that lost its task may end it late, and the group does not wait for that', (t) => {
  const story = shared(new Story())
  story.request('g', 202, {}, {})
  story.record('g.0', { attempt: 2 })
  story.tell('begin', 'g.0', { pid: third })
  story.tell('begin', 'g.0', { attempt: 2 })
  story.tell('end', 'g.0', { attempt: 2 })
  story.record('g.1')
  story.tell('begin', 'g.1')
  story.tell('end', 'g.0', { pid: third })
  story.tell('end', 'g.1')
  t.deepEqual(story.broken, {})
  t.is(judge(story).counts.overtaken, 1)
  story.record('g.0')
  t.deepEqual(story.broken, {
    'ended tasks really ran': ['its record says attempt 1 succeeded, its journal tells of no such end'],
  })
})

test('an alias of a task whose end could not be stored before is none of an ended one', (t) => {
  const story = shared(new Story())
  story.request('r', 202, { unique: 'key' })
  story.done('r.0', { endedAt: 2_000 })
  Object.assign(story.request('s', 202, { unique: 'key' }), { sentAt: 60_000, answeredAt: 60_010 })
  story.records.set('id-s.0', story.records.get('id-r.0')!)
  const promise = 'one live task a unique key'
  story.outages = [{ from: 1_000, until: 20_000 }]
  t.is(story.broken[promise]?.length, 1)
  story.outages = [{ from: 1_000, until: 58_000 }]
  t.deepEqual(story.broken, {})
})

test('only the process that refused a request may have kept it, or any after a long outage', (t) => {
  const story = shared(new Story())
  const request = story.request('r', 503, {})
  Object.assign(request, { code: 'AFTERWORK_QUEUE_TIMEOUT', answeredAt: 1_500, pid: second })
  story.done('r.0')
  const promise = 'nothing stayed of what was refused'
  const broken = () => story.broken[promise]?.length ?? 0
  story.kills = [{ pid: first, at: 2_000 }]
  t.is(broken(), 1)
  story.kills = [{ pid: second, at: 2_000 }]
  t.is(broken(), 0)
  story.kills = [{ pid: second, at: 8_000 }]
  t.is(broken(), 1)
  story.outages = [{ from: 1_000, until: 5_000 }]
  t.is(broken(), 0)
  story.kills = []
  t.is(broken(), 1)
  story.outages = [{ from: 1_000, until: 14_000 }]
  t.is(broken(), 0)
})

test('postgres: three processes keep everything through kills of them and of the database', async (t) => {
  t.timeout(600_000)
  const args = ['--queue', 'postgres', '--processes', '3', '--kills', '3', '--seed', '5']
  const { TEST_POSTGRES_URL: server } = process.env
  if (server === undefined) args.push('--database-kills', '1')
  const { code, stdout, stderr, left } = await command(t, args)
  t.deepEqual([code, stderr, left], [0, '', []], stdout)
  t.regex(stdout, /^seed 5, 3 kills, 3 processes on postgres\n/)
  t.is(stdout.match(/^kill {3}\d /gm)?.length, 3)
  if (server === undefined) t.regex(stdout, /^kill {3}\d  postgres /m)
  t.notRegex(stdout, /had to be killed to stop/)
  t.regex(
    stdout,
    /\n3 kills, \d+ acknowledged, 0 lost, \d+ ran twice, \d+ mails delivered twice, 0 promises broken\n$/,
  )
})

test('postgres: Ctrl-C ends all processes and the server, and leaves nothing behind', async (t) => {
  t.timeout(300_000)
  const processes: number[] = []
  const args = ['--queue', 'postgres', '--processes', '2', '--seed', '6']
  const { code, stderr, left } = await command(t, args, (said, child) => {
    const pids = Array.from(said.matchAll(/as process (\d+)/g), ([, pid]) => Number(pid))
    if (pids.length < 2 || processes.length > 0) return
    processes.push(...pids)
    process.kill(child, 'SIGINT')
  })
  t.deepEqual([code, stderr, left], [1, 'crash: ended by SIGINT\n', []])
  for (const pid of processes) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

/** Runs the harness as `npm run crash` does; `heard` sees what it has printed so far. */
async function command(t: ExecutionContext, args: string[], heard?: (said: string, pid: number) => void) {
  const temporary = await temporaryFolder(t)
  // PostgreSQL does not run as root, and must reach its own folder in it.
  await chmod(temporary, 0o755)
  const child = spawn(process.execPath, ['--conditions=afterwork-source', crash, ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    heard?.(stdout, child.pid!)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr, left: await readdir(temporary) }
}
