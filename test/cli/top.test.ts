import test, { type ExecutionContext } from 'ava'
import { frame } from '../../src/cli/top/frame.ts'
import { ratesOf, type Look } from '../../src/cli/top/look.ts'
import { widthOf } from '../../src/cli/output/width.ts'
import { command, serveCommand, type Ended } from '../support/process.ts'
import { hostile, queueAtRest } from './queue-at-rest.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const counts = { queued: 1_234, scheduled: 0, running: 2, succeeded: 10, failed: 1, cancelled: 0 }

function task(name: string, rest: Partial<Look['running'][number]> = {}): Look['running'][number] {
  return {
    id: '01a1fed3-4bc4-7208-9883-00989205a6e2',
    name,
    state: 'running',
    attempt: 1,
    progress: { fraction: 0.5, message: 'half way' },
    result: null,
    error: null,
    addedAt: '2026-11-21T11:00:00.000Z',
    startedAt: '2026-11-21T11:59:30.000Z',
    endedAt: null,
    ...rest,
  }
}

const seen: Look = {
  source: 'http://127.0.0.1:3000',
  at: now,
  stats: { counts, oldestAddedAt: '2026-11-21T11:00:00.000Z' },
  pools: [
    { name: 'cpu', minThreads: 1, maxThreads: 2, concurrency: 1, paused: false, running: 2 },
    { name: 'mail', minThreads: 0, maxThreads: 1, concurrency: 10, paused: true, running: 1 },
  ],
  running: Array.from({ length: 40 }, (_, index) => task(`files.a-task-with-a-long-name-${index}`)),
  failed: [
    task('日本.タスク', {
      state: 'failed',
      endedAt: '2026-11-21T11:58:00.000Z',
      error: { name: 'RangeError', message: hostile },
    }),
  ],
  flow: { added: 100, ended: 40 },
}

async function run(t: ExecutionContext, folder: string, args: string[] = []): Promise<Ended> {
  return await (
    await command(t, ['top', ...args], {}, folder)
  ).ended
}

test('a picture shows counts, rates, pools, what runs and what failed', (t) => {
  const view = { look: seen, rates: { added: 12.34, ended: 1_200 }, trouble: undefined, now }
  const text = frame(view, 120, 60).join('\n')
  t.regex(text, /queued 1,234 {3}scheduled 0 {3}running 2/)
  t.regex(text, /12 added, 1,200 ended a second {3}the oldest waits for 1h/)
  t.regex(text, /cpu {3}\[#{20}\] 2 of 2/)
  t.regex(text, /mail {2}\[##\.{18}\] 1 of 10 {2}paused/)
  t.regex(text, /files\.a-task-with-a-long-name-0 +1 +30s +50% half way/)
  t.regex(text, /日本\.タスク +1 +2m ago +RangeError: too \\u001b\[2J far\\u202e\\nand on/)
})

test('a picture fits any terminal', (t) => {
  for (const width of [1, 2, 10, 40, 80, 300])
    for (const height of [1, 2, 5, 10, 24, 100]) {
      for (const look of [seen, undefined]) {
        const lines = frame({ look, rates: null, trouble: 'No service answers', now }, width, height)
        t.true(lines.length <= height, `${width} x ${height}: ${lines.length} lines`)
        for (const line of lines) t.true(widthOf(line) <= width, `${width} x ${height}: ${line}`)
        t.notRegex(lines.join(''), /[\p{Cc}\p{Cf}]/u)
      }
    }
})

test('rates are told between two looks at the same queue only', (t) => {
  const later = { ...seen, at: now + 2_000, flow: { added: 120, ended: 41 } }
  t.deepEqual(ratesOf(seen, later), { added: 10, ended: 0.5 })
  t.is(ratesOf(undefined, later), null)
  t.is(ratesOf({ ...seen, source: 'data/queue.db' }, later), null)
  t.is(ratesOf({ ...seen, flow: { added: 1_000, ended: 0 } }, later), null)
})

test('where there is no terminal top is one picture, or one document', async (t) => {
  const line = await serveCommand(t)
  const url = await line.listening()
  const { code, stdout, stderr } = await run(t, line.folder)
  t.deepEqual([code, stderr], [0, ''])
  t.regex(stdout, /^afterwork top {2}http/)
  t.notRegex(stdout.replaceAll('\n', ''), /\p{Cc}/u)
  const json = JSON.parse((await run(t, line.folder, ['--json'])).stdout)
  t.like(json, { source: url, counts: { queued: 0 }, running: [], failed: [] })
  t.is(json.pools.length, 3)
})

test('without a service top shows what the file says', async (t) => {
  const { folder } = await queueAtRest(t)
  const { code, stdout } = await run(t, folder)
  t.is(code, 0)
  t.regex(stdout, /no service runs: this is what the file says/)
  t.regex(stdout, /LAST FAILED/)
  t.true((await run(t, folder, ['now'])).code === 2)
})
