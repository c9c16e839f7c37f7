import { spawn } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { pack } from 'tar-stream'
import { codesIn } from '../../scripts/corpus/codes.ts'
import type { CorpusFile } from '../../scripts/corpus/file.ts'
import { filesOf, mutations } from '../../scripts/corpus/gather.ts'
import { judge } from '../../scripts/corpus/judge.ts'
import { Lane } from '../../scripts/corpus/lane.ts'
import { mutate, mutationKinds } from '../../scripts/corpus/mutation.ts'
import { parseOptions } from '../../scripts/corpus/options.ts'
import { offenceLines, summary, type Verdict } from '../../scripts/corpus/report.ts'
import type { Observation, Trial } from '../../scripts/corpus/trial.ts'
import { unpackTar, uudecode } from '../../scripts/corpus/unpack.ts'
import { temporaryFolder } from '../support/folder.ts'

const corpus = fileURLToPath(new URL('../../scripts/corpus.ts', import.meta.url))
const file: CorpusFile = { path: '/cache/files/qpdf/a file.pdf', source: 'qpdf', group: 'pdf' }
const codes = new Set(['BROKEN_PDF'])
const megabyte = 1024 ** 2

/** A file that was processed well, but for what a test changes. */
function seen(change: Partial<Observation> = {}): Observation {
  return {
    id: 'id',
    folder: '/data/files',
    size: 3,
    sha256: 'abc',
    state: 'succeeded',
    error: null,
    result: result(),
    interruptions: [],
    errors: [],
    duration: 1_500,
    idle: 100 * megabyte,
    before: 150 * megabyte,
    peak: 250 * megabyte,
    descriptors: 40,
    names: ['id', 'id.w160.webp'],
    ...change,
  }
}

function result(change: object = {}): string {
  return JSON.stringify({ id: 'id', size: 3, sha256: 'abc', variants: [{ name: 'w160.webp' }], ...change })
}

function failed(code: string | null, message = 'Expected a whole PDF, got half of one'): Observation {
  return seen({ state: 'failed', result: null, error: { code, message, stack: '' }, names: ['id'] })
}

function trial(observation: Observation | null, change: Partial<Trial> = {}): Trial {
  return { file, seen: observation, exit: null, printed: '', ...change }
}

function rules(given: Trial): string[] {
  return judge(given, codes).map(({ rule }) => rule)
}

test('a file that was described, and one that was refused with a known code, are no offenders', (t) => {
  t.deepEqual(rules(trial(seen())), [])
  t.deepEqual(rules(trial(seen({ resultAgain: result() }))), [])
  t.deepEqual(rules(trial(failed('BROKEN_PDF'))), [])
})

test('a process that ended or did not answer is an offence', (t) => {
  const [offence] = judge(trial(null, { exit: 'ended with SIGSEGV' }), codes)
  t.deepEqual(offence, {
    rule: 'process',
    why: 'Expected the process to live on, got one that ended with SIGSEGV',
  })
})

test('a lost thread is an offence, whether the task failed by it or ran again', (t) => {
  for (const code of ['AFTERWORK_WORKER_EXITED', 'AFTERWORK_OUT_OF_MEMORY', 'AFTERWORK_THREW_LATE'])
    t.deepEqual(rules(trial(failed(code))), ['thread'])
  t.deepEqual(rules(trial(seen({ interruptions: ['AFTERWORK_WORKER_EXITED'] }))), ['thread'])
})

test('a timeout is an offence', (t) => {
  t.deepEqual(rules(trial(failed('AFTERWORK_TIMED_OUT'))), ['timeout'])
})

test('a failure that no document explains is an offence', (t) => {
  for (const code of [null, 'ERR_INVALID_ARG_TYPE', 'ENOENT', 'BROKEN'])
    t.deepEqual(rules(trial(failed(code))), ['code'])
  t.deepEqual(rules(trial(failed('AFTERWORK_BAD_VALUE'))), ['stored'])
})

test('memory counts from the idle process on', (t) => {
  t.deepEqual(rules(trial(seen({ peak: 700 * megabyte }))), [])
  const [offence] = judge(trial(seen({ peak: 701 * megabyte })), codes)
  t.deepEqual(offence, { rule: 'memory', why: 'Expected at most 600 MB over the idle process, got 601 MB' })
})

test('a result that is too large, of another file, or another the second time is an offence', (t) => {
  t.deepEqual(rules(trial(seen({ result: result({ text: 'x'.repeat(megabyte) }) }))), ['size'])
  t.deepEqual(rules(trial(seen({ result: result({ sha256: 'abd' }) }))), ['digest'])
  const again = judge(trial(seen({ resultAgain: result({ pages: 2 }) })), codes)
  t.is(again[0]!.rule, 'repeated')
  t.regex(again[0]!.why, /pages/)
  t.deepEqual(rules(trial(seen({ resultAgain: null }))), ['repeated'])
  t.deepEqual(rules(trial(seen({ result: null }))), ['stored'])
})

test('what is left beside the file and its variants is an offence', (t) => {
  t.deepEqual(rules(trial(seen({ names: ['id', 'id.w160.webp', 'id.w640.webp'] }))), ['left'])
  t.deepEqual(rules(trial(seen({ names: ['id', 'id.w160.webp.1234.tmp'] }))), ['left'])
  t.deepEqual(rules(trial(seen({ names: ['id', 'core'] }))), ['left'])
  t.deepEqual(rules(trial({ ...failed('BROKEN_PDF'), names: ['id', 'id.text.txt'] })), [])
})

test('a path of ours in what a client may read is an offence', (t) => {
  t.deepEqual(rules(trial(failed('BROKEN_PDF', 'Cannot read /data/files/id'))), ['leak'])
  t.deepEqual(rules(trial(seen({ result: result({ from: '/data/files/id' }) }))), ['leak'])
})

test('what is printed, and an error of afterwork itself, are offences', (t) => {
  t.deepEqual(rules(trial(seen(), { printed: 'Warning: TT\n' })), ['printed'])
  t.deepEqual(rules(trial(seen({ errors: ['sweeping: gone'] }))), ['error'])
})

test('a mutation changes a file in the same way again, and never its source', (t) => {
  const content = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251))
  const before = Buffer.from(content)
  for (const kind of mutationKinds) {
    const damaged = mutate(content, { kind, seed: 7 })
    t.false(damaged.equals(content), kind)
    t.true(damaged.equals(mutate(content, { kind, seed: 7 })), kind)
    for (const small of [Buffer.alloc(0), Buffer.from('x')])
      for (const seed of [1, 2, 3]) t.true(mutate(small, { kind, seed }).length <= 2)
  }
  t.true(content.equals(before))
})

test('a source gives the files in its folders that have a known name, without following links', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'x/testdata'), { recursive: true })
  for (const name of ['x/testdata/a.PNG', 'x/testdata/a.go', 'x/b.png', 'x/testdata/c.pdf'])
    await writeFile(join(folder, name), 'content')
  const source = { name: 'x', from: { npm: 'x' }, licence: 'MIT', folders: ['/testdata/'] }
  const found = await filesOf(source, folder)
  t.deepEqual(
    found.map(({ path, group }) => [path.slice(folder.length), group]),
    [
      ['/x/testdata/a.PNG', 'image'],
      ['/x/testdata/c.pdf', 'pdf'],
    ],
  )
  t.is((await mutations(found, 1)).length, 2)
  t.deepEqual(await mutations(found, 1), await mutations(found, 1))
})

test('a downloaded archive that would leave the folder does not', async (t) => {
  const folder = await temporaryFolder(t)
  const tar = pack()
  tar.entry({ name: '../outside.txt' }, 'x')
  tar.entry({ name: 'inside.txt' }, 'x')
  tar.finalize()
  const path = join(folder, 'hostile.tar')
  await writeFile(path, await buffer(tar))
  await unpackTar(path, join(folder, 'files')).catch(() => {})
  t.false((await readdir(folder)).includes('outside.txt'))
})

test('uuencoded text is decoded', (t) => {
  t.is(uudecode('begin 644 cat.txt\n#0V%T\n`\nend\n').toString(), 'Cat')
  t.is(uudecode('begin 644 a\r\n%:&5L;&\\\r\n`\r\nend\r\n').toString(), 'hello')
})

test("a document's codes are those in the first column of its tables", (t) => {
  const text = '| Code | Meaning |\n| --- | --- |\n| `BROKEN_PDF` | see `OTHER` |\n\n`NOT_THIS`\n'
  t.deepEqual([...codesIn(text)], ['BROKEN_PDF'])
})

test('the report counts by source and kind, and says how to try an offender alone', (t) => {
  const verdict = (change: Partial<Verdict> = {}): Verdict => ({
    trial: trial(seen()),
    offences: [],
    kept: null,
    ...change,
  })
  const guilty = verdict({ offences: [{ rule: 'memory', why: 'Expected less, got more' }] })
  const lines = summary([verdict(), guilty])
  t.regex(lines[1]!, /^qpdf \/ pdf +2 +2 +0 +1 +1\.50 s +100 MB$/)
  t.deepEqual(offenceLines([verdict(), guilty]), [
    '/cache/files/qpdf/a file.pdf',
    '    memory: Expected less, got more',
    "    npm run corpus -- --file '/cache/files/qpdf/a file.pdf'",
  ])
})

test('wrong options end it with one line', (t) => {
  t.like(parseOptions(['--seed', '7', '--sample', '10', '--only', 'pdf']), {
    seed: 7,
    sample: 10,
    only: 'pdf',
    timeout: 60_000,
    files: [],
    keep: null,
  })
  for (const args of [
    ['--only', 'sound'],
    ['--sample', '0'],
    ['--seed', '-1'],
    ['--fast'],
    ['now'],
    ['--file'],
  ]) {
    const { message } = t.throws(() => parseOptions(args), undefined, args.join(' '))
    t.notRegex(message, /\n/)
  }
})

test('a subject that is killed is told of, and the next file gets another', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'a.txt')
  await writeFile(path, 'some text\n')
  const lane = new Lane()
  t.teardown(() => lane.stop())
  const text: CorpusFile = { path, source: 'test', group: 'text' }
  t.like(await lane.try(text, 60_000, true), { exit: null, seen: { state: 'succeeded' } })
  process.kill(lane.pid!, 'SIGKILL')
  t.regex((await lane.try(text, 60_000, false)).exit!, /^ended with SIGKILL/)
  t.like(await lane.try(text, 60_000, false), { exit: null, seen: { state: 'succeeded' } })
})

test('samples and what is installed pass, and nothing is left behind', async (t) => {
  t.timeout(180_000)
  const { code, stdout, stderr, left } = await command(t, ['--sample', '12', '--seed', '3', '--jobs', '1'])
  t.deepEqual([code, stderr], [0, ''], stdout)
  t.regex(stdout, /\n12 passed, 0 failed\n$/)
  t.deepEqual(left, [])
})

/** Runs the harness as `npm run corpus` does. */
async function command(t: ExecutionContext, args: string[]) {
  const temporary = await temporaryFolder(t)
  const child = spawn(process.execPath, ['--conditions=afterwork-source', corpus, ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr, left: await readdir(temporary) }
}
