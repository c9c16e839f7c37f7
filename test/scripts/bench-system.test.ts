import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { AnyBenchmark } from '../../scripts/bench/harness/benchmark.ts'
import { benchCommand } from '../../scripts/bench/harness/command.ts'
import { measureRounds } from '../../scripts/bench/harness/rounds.ts'
import { findStorage } from '../../scripts/bench/harness/storage.ts'
import { Absent } from '../../scripts/bench/harness/system-module.ts'
import { startSystem, type RunningSystem } from '../../scripts/bench/harness/system.ts'
import { temporaryFolder } from '../support/folder.ts'

/** A module whose start() has this body; `Absent` and `options` are known in it. */
function moduleOf(body: string): string {
  const absent = import.meta.resolve('../../scripts/bench/harness/system-module.ts')
  const source = `import { Absent } from '${absent}'; export async function start(options) { ${body} }`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

async function startOne(t: ExecutionContext, body: string, options?: object): Promise<RunningSystem> {
  const system = await startSystem({ name: 'one', module: moduleOf(body) }, options)
  t.teardown(() => system.stop())
  return system
}

test('a system without a port answers what it is asked, with the parameters', async (t) => {
  const system = await startOne(t, 'return { answers: { sum: ({ by }) => ({ sum: options.first + by }) } }', {
    first: 2,
  })
  t.deepEqual(await system.ask('sum', { by: 3 }), { sum: 5 })
  t.deepEqual(await system.ask('sum', { by: 4 }), { sum: 6 })
  t.throws(() => system.url, { message: 'Expected a system that listens' })
})

test('a question fails with what failed in the system, which goes on', async (t) => {
  const system = await startOne(t, "return { answers: { fail() { throw new Error('no') }, ok: () => ({}) } }")
  await t.throwsAsync(system.ask('fail'), { message: 'no' })
  await t.throwsAsync(system.ask('unheard'), {
    message: /^Expected a system that answers unheard, got data:/,
  })
  t.deepEqual(await system.ask('ok'), {})
})

test('a question to a system that ends meanwhile, or has ended, fails', async (t) => {
  const system = await startOne(t, 'return { answers: { end: () => process.exit(7) } }')
  await t.throwsAsync(system.ask('end'), { message: 'Expected it to answer, but its process ended with 7' })
  await t.throwsAsync(system.ask('end'), { message: /its process has ended$/ })
})

test('a start that fails, or that lacks something, says why', async (t) => {
  const failing = startSystem({ name: 'one', module: moduleOf("throw new Error('no room')") })
  await t.throwsAsync(failing, { message: 'no room' })
  const lacking = startSystem({ name: 'one', module: moduleOf("throw new Absent('it is not installed')") })
  await t.throwsAsync(lacking, { instanceOf: Absent, message: 'it is not installed' })
})

test('flags reach the process of a system', async (t) => {
  const module = moduleOf('return { answers: { gc: () => ({ type: typeof globalThis.gc }) } }')
  const system = await startSystem({ name: 'one', module, flags: ['--expose-gc'] })
  t.teardown(() => system.stop())
  t.deepEqual(await system.ask('gc'), { type: 'function' })
})

test('what the environment of a system has besides ours reaches its process', async (t) => {
  const module = moduleOf(
    'return { answers: { threads: () => ({ size: process.env.UV_THREADPOOL_SIZE, path: process.env.PATH }) } }',
  )
  const system = await startSystem({ name: 'one', module, env: { UV_THREADPOOL_SIZE: '7' } })
  t.teardown(() => system.stop())
  t.deepEqual(await system.ask('threads'), { size: '7', path: process.env['PATH'] })
})

test('what is prepared is there for every trial, and all folders go', async (t) => {
  const storage = await findStorage(await temporaryFolder(t))
  const prepared: string[] = []
  const benchmark: AnyBenchmark = {
    name: 'fake',
    description: 'reads what was prepared',
    systems: ['a', 'b'].map((name) => ({ name, module: 'data:text/javascript,' })),
    columns: [{ measure: 'size', unit: 'B' }],
    sizes: { full: 'five!', quick: '' },
    prepare: ({ size, folder }) => writeFile(join(folder, 'filled'), size as string),
    async measure({ folder, prepared: from, system: { name } }) {
      prepared.push(`${name} ${await readFile(join(from, 'filled'), 'utf8')}`)
      t.deepEqual(await readdir(folder), [])
      return { size: (await stat(join(from, 'filled'))).size }
    },
    ratios: (of) => ({ same: of('a', 'size') / of('b', 'size') }),
    floors: {},
  }
  const { rounds } = await measureRounds(benchmark, { rounds: 2, size: 'five!', storage })
  t.deepEqual(prepared, ['a five!', 'b five!', 'b five!', 'a five!'])
  t.deepEqual(rounds[1]!.get('a'), { size: 5 })
  t.deepEqual(await readdir(storage.folder), [])
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a file system in memory is no disk', async (t) => {
  t.false((await findStorage('/dev/shm')).onDisk)
  t.is((await findStorage('/dev/shm')).type, 'tmpfs')
})

onLinux(
  '--check fails for what is durable on a file system in memory, though every floor is held',
  async (t) => {
    const benchmark: AnyBenchmark = {
      name: 'fake',
      description: 'is durable',
      systems: [{ name: 'a', module: 'data:text/javascript,' }],
      columns: [{ measure: 'one', unit: '' }],
      sizes: { full: {}, quick: {} },
      durable: true,
      measure: async () => ({ one: 1 }),
      ratios: (of) => ({ one: of('a', 'one') }),
      floors: { one: { atLeast: 1 } },
    }
    const codes: number[] = []
    for (const folder of [await temporaryFolder(t), '/dev/shm']) {
      process.env['AFTERWORK_BENCH_DIR'] = folder
      codes.push(
        await benchCommand(['fake', '--rounds', '1', '--check'], [benchmark], { log() {}, error() {} }),
      )
      delete process.env['AFTERWORK_BENCH_DIR']
    }
    const { onDisk } = await findStorage()
    t.deepEqual(codes, [onDisk ? 0 : 1, 1])
  },
)

test('a benchmark that is interrupted leaves no files', async (t) => {
  const folder = await temporaryFolder(t)
  const main = fileURLToPath(new URL('../../scripts/bench/main.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--conditions=afterwork-source', main, 'durable', '--quick', '--rounds', '50'],
    {
      env: { ...process.env, AFTERWORK_BENCH_DIR: folder, AFTERWORK_BENCH_QUEUE: 'memory:' },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const ended = once(child, 'exit')
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += String(text)
    if (said.includes('round 1, afterwork')) child.kill('SIGINT')
  }
  t.is((await ended)[0], 1)
  t.true(said.includes(`files in ${folder}: `))
  t.deepEqual(await readdir(folder), [])
})
