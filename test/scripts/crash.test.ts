import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { cutAttempts, parseJournal } from '../../scripts/crash/journal.ts'
import { judge, type Judgement } from '../../scripts/crash/judge.ts'
import { Mix } from '../../scripts/crash/mix.ts'
import { planMoments } from '../../scripts/crash/moments.ts'
import { parseOptions } from '../../scripts/crash/options.ts'
import { breachLines, lastLines } from '../../scripts/crash/report.ts'
import { run } from '../../scripts/crash/run.ts'
import { temporaryFolder } from '../support/folder.ts'
import { cutGroup, first, Story } from './crash-story.ts'

const crash = fileURLToPath(new URL('../../scripts/crash.ts', import.meta.url))

/** Options of a run on sqlite. */
const usual = { kills: 1, seed: 0, keep: false, queue: 'sqlite', processes: 1, databaseKills: 0 } as const

/** Ids of stored files. */
const [file, other] = ['01936a3e-0000-7000-8000-000000000000', '01936a3e-0000-7000-8000-000000000001']

const lostTasks = 'acknowledged tasks are known'

test('a run in which everything was kept is broken in nothing', (t) => {
  const story = cutGroup()
  story.request('m', 202, { kind: 'mail', to: 'ada@crash.example' })
  story.done('m.0')
  story.deliveries.push({ to: 'ada@crash.example', messageId: 'id-m.0@localhost' })
  story.deliveries.push({ to: 'ada@crash.example', messageId: 'id-m.0@localhost' })
  story.request('u', 202, { unique: 'key' })
  story.done('u.0', { endedAt: 2_000 })
  story.request('v', 202, { unique: 'key' })
  story.records.set('id-v.0', story.records.get('id-u.0')!)
  story.request('full', 503, {})
  story.request('cut', null, {}, {})
  story.request('failing', 202, { kind: 'failing' })
  story.record('failing.0', { state: 'failed', error: { code: 'ON_PURPOSE', message: '' } })
  story.tell('begin', 'failing.0')
  story.tell('fail', 'failing.0')
  t.deepEqual(story.broken, {})
  const { counts } = judge(story)
  t.like(counts, { acknowledged: 6, lost: 0, ranAgain: 1, deliveredAgain: 1, full: 1, unanswered: 1 })
})

test('a task that was acknowledged and that nobody knows is lost', (t) => {
  const story = cutGroup()
  story.request('r', 202, {})
  t.deepEqual(story.broken, { [lostTasks]: ['lost: nobody knows it'] })
  t.is(judge(story).counts.lost, 1)
})

test('so is one whose 202 was seen but whose ids were cut off', (t) => {
  const story = new Story()
  story.request('r', 202, {}).ids = null
  t.deepEqual(story.broken, { [lostTasks]: ['lost: nobody knows it, by its marker'] })
  story.done('r.0')
  t.deepEqual(story.broken, {})
})

test('so is one that never ends', (t) => {
  const story = new Story()
  story.request('r', 202, {})
  story.record('r.0', { state: 'queued', endedAt: null })
  t.deepEqual(story.broken, { 'tasks have ended': ['has not ended: it is queued'] })
  t.is(judge(story).counts.lost, 1)
})

test('an id that leads to another task is found out', (t) => {
  const story = new Story()
  story.request('r', 202, {}, {})
  story.done('r.0')
  story.records.set('id-r.1', story.records.get('id-r.0')!)
  t.deepEqual(story.broken[lostTasks], ['its id leads to another task, id-r.0'])
})

test('a record that says succeeded does not do: the attempt must have ended', (t) => {
  const story = new Story()
  story.request('r', 202, {})
  story.record('r.0', { attempt: 2 })
  story.tell('begin', 'r.0')
  story.tell('end', 'r.0')
  t.deepEqual(story.broken, {
    'ended tasks really ran': ['its record says attempt 2 succeeded, its journal tells of no such end'],
  })
})

for (const code of ['AFTERWORK_CRASHED_PROCESS', 'AFTERWORK_INTERRUPTED'])
  test(`a task that failed with ${code} is found out`, (t) => {
    const story = new Story()
    story.request('r', 202, {})
    story.record('r.0', { state: 'failed', error: { code, message: 'why' } })
    story.tell('begin', 'r.0')
    story.tell('fail', 'r.0')
    t.deepEqual(story.broken, { 'no task failed but on purpose': [`failed with ${code}: why`] })
  })

test('a group out of order is found out, also when only the second attempt of a task was', (t) => {
  const story = cutGroup()
  story.journal.push(...story.journal.splice(1, 2))
  t.deepEqual(story.broken['groups ended in order'], ['began in line 1, before g.0 had its end in line 4'])
})

test('an unordered task may begin when it likes', (t) => {
  const story = new Story()
  story.request('r', 202, {}, { ordered: false })
  for (const marker of ['r.0', 'r.1']) story.record(marker)
  story.tell('begin', 'r.0')
  story.tell('begin', 'r.1')
  story.tell('end', 'r.1')
  story.tell('end', 'r.0')
  t.deepEqual(story.broken, {})
})

test('a delay that was cut short is found out', (t) => {
  const story = new Story()
  story.request('r', 202, { delay: 2_500 })
  story.done('r.0')
  t.deepEqual(story.broken, { 'delays were kept': ['began after 1995 ms, not 2500 ms'] })
})

test('two tasks of a key that lived together are found out', (t) => {
  const story = new Story()
  for (const marker of ['r', 's']) {
    story.request(marker, 202, { unique: 'key' })
    story.done(`${marker}.0`)
  }
  t.deepEqual(story.broken, { 'one live task a unique key': ['ran while id-r.0 of its key was alive'] })
})

test('an alias of a task that had long ended is found out', (t) => {
  const story = new Story()
  story.request('r', 202, { unique: 'key' })
  story.done('r.0', { endedAt: 2_000 })
  Object.assign(story.request('s', 202, { unique: 'key' }), { sentAt: 60_000, answeredAt: 60_010 })
  story.records.set('id-s.0', story.records.get('id-r.0')!)
  t.deepEqual(story.broken['one live task a unique key'], [
    'stands for a task that had ended when it was asked for',
  ])
})

test('a follow-up that is missing, there twice or unfinished is found out', (t) => {
  const story = new Story()
  story.request('r', 202, { kind: 'withFollowUp' }, { kind: 'watched' })
  for (const marker of ['r.0', 'r.1', 'r.1.e']) story.done(marker)
  const promise = 'follow-ups were added once and ran'
  t.deepEqual(story.broken[promise], ['was never added, though its parent ended'])
  story.record('r.0.f', { state: 'queued', endedAt: null })
  t.deepEqual(story.broken[promise], ['is queued and never ran to its end'])
  story.record('again', { marker: 'r.0.f' })
  t.deepEqual(story.broken[promise], ['was added 2 times'])
})

test('a mail that never came, or came under another name, is found out', (t) => {
  const story = new Story()
  story.request('r', 202, { kind: 'mail', to: 'ada@crash.example' })
  story.done('r.0')
  const promise = 'mails were delivered'
  t.deepEqual(story.broken, { [promise]: ['was never delivered to ada@crash.example'] })
  story.deliveries.push({ to: 'ada@crash.example', messageId: 'other@localhost' })
  t.deepEqual(story.broken, { [promise]: ['was delivered to ada@crash.example as other@localhost'] })
})

test('an upload that is gone, changed or without its thumbnails is found out', (t) => {
  const story = new Story()
  story.request('r', 202, { kind: 'file', file: { name: 'a.jpg', sha256: 'abc', isImage: true } })
  story.done('r.0', { file: { id: 'f', variants: ['w80.webp'] } })
  const seen = (sha256: string | null, variants: string[]) => {
    story.files.set('id-r.0', { sha256, variants })
    return story.broken['uploads are whole']
  }
  t.deepEqual(seen(null, []), ['its file a.jpg is gone'])
  t.deepEqual(seen('abd', []), ['its file a.jpg is not the one that was sent'])
  t.deepEqual(seen('abc', []), ['thumbnails of a.jpg are missing: w80.webp'])
  t.is(seen('abc', ['w80.webp']), undefined)
})

test('a file or a thumbnail that is gone though its task is known is found out', (t) => {
  const story = new Story()
  story.request('r', 202, {})
  story.done('r.0', { file: { id: file, variants: ['w80.webp'] } })
  const promise = 'no file that a task names was removed'
  const left = (...after: string[]) => {
    story.folder = { before: [file, `${file}.w80.webp`], after }
    return story.broken[promise]
  }
  t.deepEqual(left(), [`names what is gone: ${file}, ${file}.w80.webp`])
  t.deepEqual(left(file), [`names what is gone: ${file}.w80.webp`])
  t.is(left(file, `${file}.w80.webp`), undefined)
})

test('what the last sweep left in the folder, though no task names it, is found out', (t) => {
  const story = new Story()
  story.request('r', 202, {})
  story.done('r.0', { file: { id: file, variants: [] } })
  const cut = `${file}.w80.webp.x.tmp`
  const promise = 'what no task names was swept away'
  const left = (...after: string[]) => {
    story.folder = { before: [file, cut, other], after: [file, ...after] }
    return story.broken[promise]
  }
  t.is(left(), undefined)
  t.is(judge(story).findings.find((finding) => finding.promise === promise)?.checked, 2)
  t.deepEqual(left(cut), ['is still there, though no task names it'])
  t.deepEqual(left(other), ['is still there, though no task names it'])
})

test('whatever stayed of a refused request is found out', (t) => {
  const promise = 'nothing stayed of what was refused'
  const ran = new Story()
  ran.request('r', 503, {})
  ran.tell('begin', 'r.0')
  t.deepEqual(ran.broken[promise], ['was refused with 503 AFTERWORK_QUEUE_FULL'])
  const stored = new Story()
  stored.request('r', 422, {}).isRefused = true
  stored.record('r.0')
  t.is(stored.broken[promise]?.length, 1)
  const sent = new Story()
  sent.request('r', 503, { kind: 'mail', to: 'ada@crash.example' })
  sent.deliveries.push({ to: 'ada@crash.example', messageId: 'id-r.0@localhost' })
  t.is(sent.broken[promise]?.length, 1)
})

test('an answer that is neither a 202 nor a 503 is found out, unless it was asked for', (t) => {
  const story = new Story()
  story.request('r', 422, {}).isRefused = true
  t.deepEqual(story.broken, {})
  story.request('s', 500, {})
  t.deepEqual(story.broken, { 'answers were 202 or 503': ['was answered 500 '] })
  story.request('u', null, {}).code = 'TIMED_OUT'
  t.is(story.broken['answers were 202 or 503']?.[1], 'was answered by nobody TIMED_OUT')
})

test('only a store that was killed while it took back what it refused may have kept it', (t) => {
  const story = new Story()
  Object.assign(story.request('r', 503, {}), { code: 'AFTERWORK_QUEUE_FAILED', answeredAt: 900 })
  story.done('r.0')
  t.deepEqual(story.broken, {})
  story.kills = [{ pid: first, at: 60_000 }]
  t.is(story.broken['nothing stayed of what was refused']?.length, 1)
})

test('half of an unanswered request is found out, and so is one that is there and never ends', (t) => {
  const story = new Story()
  story.request('r', null, {}, {})
  story.done('r.0')
  t.deepEqual(story.broken, {
    'unanswered requests are whole or absent': ['is not there, unlike 1 others of its request'],
  })
  story.record('r.1', { state: 'scheduled', endedAt: null })
  t.deepEqual(story.broken, { 'tasks have ended': ['has not ended: it is scheduled'] })
})

test('what is stored twice, or ran without a record, is found out', (t) => {
  const story = new Story()
  story.request('r', 202, {})
  story.done('r.0')
  story.record('other', { marker: 'r.0' })
  story.tell('begin', 'nobody')
  t.deepEqual(story.broken['all that ran is on record, once'], [
    'is stored 2 times',
    'ran, but has no record',
  ])
})

test('attempts whose number was used twice are counted', (t) => {
  const story = cutGroup()
  t.is(judge(story).counts.unstoredStarts, 0)
  for (const line of story.journal) line.attempt = 1
  t.is(judge(story).counts.unstoredStarts, 1)
})

test('a task beside one that was cut, or before it, is found out', (t) => {
  const promise = 'what was cut ran first and alone'
  const beside = cutGroup()
  beside.request('r', 202, {})
  beside.record('r.0')
  beside.tell('begin', 'r.0')
  beside.tell('end', 'r.0')
  t.deepEqual(beside.broken, {})
  beside.journal.splice(2, 0, ...beside.journal.splice(-2))
  t.deepEqual(beside.broken[promise], ['was cut, and then r.0 began in line 2 before it had ended'])
  const together = new Story()
  together.request('r', 202, { ordered: false }, { ordered: false })
  for (const marker of ['r.0', 'r.1']) {
    together.record(marker, { attempt: 2 })
    together.tell('begin', marker, { pid: first })
  }
  for (const marker of ['r.0', 'r.1']) together.tell('begin', marker, { attempt: 2 })
  for (const marker of ['r.1', 'r.0']) together.tell('end', marker, { attempt: 2 })
  t.deepEqual(together.broken[promise], [
    'was cut, and then began in line 3 beside r.0',
    'was cut, and then r.1 began in line 3 beside it',
  ])
})

test('one that had told of its end before that was stored may run again among those that were cut', (t) => {
  const story = cutGroup()
  story.request('r', 202, {})
  story.record('r.0', { attempt: 2 })
  story.tell('begin', 'r.0', { attempt: 2 })
  story.tell('end', 'r.0', { attempt: 2 })
  for (const verb of ['end', 'begin'] as const)
    story.journal.unshift({ verb, id: 'id-r.0', attempt: 1, marker: 'r.0', pid: first, at: 800 })
  story.journal.splice(3, 0, ...story.journal.splice(-2))
  t.deepEqual(story.broken, {})
  t.is(judge(story).counts.ranAgain, 2)
})

test('the report shows at most 20 breaches, with record and journal, and ends with the counts', (t) => {
  const story = new Story()
  story.request('r', 202, ...Array.from({ length: 30 }, () => ({})))
  story.tell('begin', 'r.3')
  const judgement: Judgement = judge(story)
  const lines = breachLines(judgement, story)
  t.is(lines.filter((line) => line.includes(' lost: ')).length, 20)
  t.is(lines.at(-1), 'and 11 more')
  t.true(lines.includes('    journal  begin 1 in 2 at 2000'))
  t.regex(
    lastLines(judgement, 1, { uploads: 0, temporary: 0 }).at(-1)!,
    /^1 kills, 30 acknowledged, 30 lost, /,
  )
})

test('a line that a kill tore is counted, and takes no other with it', (t) => {
  const { lines, torn } = parseJournal('\nbegin a 1 r.0 7 100 .\n\nend a 1 r.\nbegin b 1 r.1 7 101 .\n')
  t.deepEqual(
    lines.map(({ verb, id }) => `${verb} ${id}`),
    ['begin a', 'begin b'],
  )
  t.is(torn, 1)
  t.deepEqual([...cutAttempts(lines, new Set([7]))], ['a', 'b'])
  t.deepEqual([...cutAttempts(lines, new Set([8]))], [])
})

test('only the second kill of a pair may hit a service that recovers, and a seed gives the same plan', (t) => {
  const one = { kills: 400, processes: 1, databaseKills: 0 }
  const plan = planMoments(5, one)
  t.deepEqual(planMoments(5, one), plan)
  t.false(plan.some((moment, index) => index % 2 === 0 && /starts|recovers/.test(moment)))
  t.is(new Set(plan).size, 5)
  const several = planMoments(5, { kills: 400, processes: 4, databaseKills: 40 })
  t.is(several.filter((moment) => moment === 'the database').length, 40)
  t.is(new Set(several).size, 7)
})

test('a client with the same seed makes the same requests', (t) => {
  const photo = { name: 'a.jpg', content: new Uint8Array(10), isImage: true }
  const requests = () => {
    const mix = new Mix(3, 'c', [photo])
    return Array.from({ length: 100 }, () => mix.next())
  }
  t.deepEqual(requests(), requests())
  t.is(new Set(requests().flatMap(({ asked }) => asked.tasks.map(({ kind }) => kind))).size, 10)
})

test('wrong options end it with one line', async (t) => {
  t.deepEqual(parseOptions(['--seed', '7']), { ...usual, kills: 20, seed: 7 })
  t.deepEqual(parseOptions(['--kills=3', '--seed=0', '--keep']), { ...usual, kills: 3, keep: true })
  const postgres = ['--queue', 'postgres', '--processes', '4', '--kills', '50']
  t.like(parseOptions(postgres), { queue: 'postgres', processes: 4, databaseKills: 5 })
  t.like(parseOptions([...postgres, '--database-kills', '0']), { databaseKills: 0 })
  t.is(parseOptions(postgres, true).databaseKills, 0)
  t.throws(() => parseOptions([...postgres, '--database-kills', '1'], true), { message: /TEST_POSTGRES_URL/ })
  for (const args of [
    ['--kills', '-1'],
    ['--kills', 'many'],
    ['--seed', '1e99'],
    ['--fast'],
    ['now'],
    ['--kills'],
    ['--queue', 'redis'],
    ['--processes', '2'],
    ['--processes', '0'],
    ['--queue', 'postgres', '--processes', '11'],
    ['--database-kills', '1'],
    ['--queue', 'postgres', '--kills', '3', '--database-kills', '4'],
  ]) {
    const { message } = t.throws(() => parseOptions(args), undefined, args.join(' '))
    t.notRegex(message, /\n/)
  }
  const { code, stdout, stderr } = await command(t, ['--kills=0.5'])
  t.deepEqual([code, stdout], [1, ''])
  t.is(stderr, 'crash: --kills: Expected a whole number from 0 to 10000, got "0.5"\n')
})

test('a queue that forgets is found out', async (t) => {
  t.timeout(180_000)
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  const { signal } = new AbortController()
  t.false(await run({ ...usual, kills: 1, seed: 1 }, { say, queueOf: () => 'memory:', signal }))
  t.regex(said.at(-1)!, /^1 kills, \d+ acknowledged, [1-9]\d* lost, /)
})

test('sqlite: keeps everything through three kills', async (t) => {
  t.timeout(300_000)
  const { code, stdout, stderr, left } = await command(t, ['--kills', '3', '--seed', '11'])
  t.deepEqual([code, stderr, left], [0, '', []], stdout)
  t.regex(stdout, /^seed 11, 3 kills\n/)
  t.is(stdout.match(/^kill {3}\d /gm)?.length, 3)
  t.regex(
    stdout,
    /\n3 kills, \d+ acknowledged, 0 lost, \d+ ran twice, \d+ mails delivered twice, 0 promises broken\n$/,
  )
})

test('Ctrl-C ends the service as well, and leaves nothing behind', async (t) => {
  let service: number | undefined
  const { code, stderr, left } = await command(t, ['--seed', '12'], (said, child) => {
    const pid = /as process (\d+)/.exec(said)?.[1]
    if (pid === undefined || service !== undefined) return
    service = Number(pid)
    process.kill(child, 'SIGINT')
  })
  t.deepEqual([code, stderr, left], [1, 'crash: ended by SIGINT\n', []])
  t.throws(() => process.kill(service!, 0), { code: 'ESRCH' })
})

/** Runs the harness as `npm run crash` does; `heard` sees what it has printed so far. */
async function command(t: ExecutionContext, args: string[], heard?: (said: string, pid: number) => void) {
  const temporary = await temporaryFolder(t)
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
