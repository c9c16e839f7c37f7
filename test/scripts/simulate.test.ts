import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Random } from '../../scripts/crash/random.ts'
import { Cluster } from '../../scripts/simulate/cluster.ts'
import { SimulatedDatabase } from '../../scripts/simulate/database.ts'
import { runAgain } from '../../scripts/simulate/death.ts'
import { Forecaster } from '../../scripts/simulate/forecast.ts'
import { parseOptions } from '../../scripts/simulate/options.ts'
import { broken, resources } from '../../scripts/simulate/resources.ts'
import { defaults, type Hardware, type Load, type Scenario } from '../../scripts/simulate/scenario.ts'
import { Line, Servers } from '../../scripts/simulate/servers.ts'
import { Timeline } from '../../scripts/simulate/timeline.ts'

const simulate = fileURLToPath(new URL('../../scripts/simulate.ts', import.meta.url))

function scenarioOf(load: Partial<Load> = {}, hardware: Partial<Hardware> = {}): Scenario {
  return {
    ...defaults,
    load: { ...defaults.load, ...load },
    hardware: { ...defaults.hardware, ...hardware },
  }
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['--conditions=afterwork-source', simulate, ...args])
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number, out, err }
}

test('what happens at the same time happens in the order in which it was asked for', (t) => {
  const timeline = new Timeline()
  const seen: string[] = []
  timeline.after(2, () => seen.push('late'))
  timeline.after(1, () => timeline.after(1, () => seen.push('later')))
  timeline.after(1, () => seen.push('early'))
  timeline.every(1, 0.5, () => seen.push(`each at ${timeline.now}`))
  timeline.runUntil(2)
  t.deepEqual(seen, ['each at 0.5', 'early', 'each at 1.5', 'late', 'later'])
})

test('a line gives everything back in its order, however long it was', (t) => {
  const line = new Line<number>()
  const seen: number[] = []
  for (let item = 0; item < 10_000; item++) {
    line.push(item)
    if (item % 3 === 0) seen.push(line.shift()!)
  }
  while (line.length > 0) seen.push(line.shift()!)
  t.deepEqual(
    seen,
    Array.from({ length: 10_000 }, (_, item) => item),
  )
  t.is(line.shift(), undefined)
  line.push(1)
  t.is(line.length, 1)
})

test('who finds all servers taken waits for the first that is free, and the time for which they were taken is known', (t) => {
  const timeline = new Timeline()
  const servers = new Servers(timeline, 2)
  const done: [number, number][] = []
  for (const ms of [4, 2, 3]) servers.use(ms, () => done.push([ms, timeline.now]))
  timeline.runUntil(10)
  t.deepEqual(done, [
    [2, 2],
    [4, 4],
    [3, 5],
  ])
  t.is(servers.used, 9 / 20)
})

test('commits that wait for the disk together share one write, and those that announce have one each', (t) => {
  const writes = (notifies: boolean, notifyInCommit: boolean): number => {
    const timeline = new Timeline()
    const hardware = { ...defaults.hardware, cores: 100, notifyInCommit }
    const database = new SimulatedDatabase(timeline, hardware, new Random(1))
    for (let count = 0; count < 50; count++) database.run({ ms: 0.1, bytes: 100, notifies, done: () => {} })
    timeline.runUntil(1_000)
    t.is(database.counts.commits, 50)
    t.is(database.counts.announcements, notifies ? 50 : 0)
    return database.counts.writes
  }
  t.true(writes(false, true) < 5)
  t.true(writes(true, false) < 5)
  t.is(writes(true, true), 50)
})

test('the same seed gives the same cluster, another seed another one', (t) => {
  const observe = (seed: number) => new Cluster({ ...defaults, seed }, 10).observe(500, 1_000)
  t.deepEqual(observe(7), observe(7))
  t.notDeepEqual(observe(7), observe(8))
})

test('what is added ends, for as long as nothing is past its capacity', (t) => {
  const forecaster = new Forecaster(scenarioOf())
  for (const machines of [1, 5, 20]) {
    const observed = forecaster.observe(machines)
    t.deepEqual(broken(observed, defaults.hardware), [])
    t.true(Math.abs(observed.ended / observed.offered - 1) < 0.1, `${machines} machines`)
    t.true(Math.abs(observed.offered / (machines * defaults.load.rate) - 1) < 0.15, `${machines} machines`)
  }
})

test('more machines never load the database less', (t) => {
  const forecaster = new Forecaster(scenarioOf())
  const sizes = [1, 2, 5, 10, 20, 50, 100].map((machines) => forecaster.forecast(machines))
  for (const [place, more] of sizes.slice(1).entries()) {
    const fewer = sizes[place]!
    // Where all are busy there is nothing to tell them apart but chance.
    t.true(more.used.cores >= fewer.used.cores - 0.01, `processors of ${more.machines} machines`)
    t.true(more.used.notifyLock >= fewer.used.notifyLock - 0.01, `announcing by ${more.machines} machines`)
    t.true(more.commits > fewer.commits, `commits of ${more.machines} machines`)
    t.true(more.log > fewer.log, `log of ${more.machines} machines`)
    t.true(more.connections > fewer.connections)
  }
})

test('what breaks first is past its capacity there, and with fewer machines nothing is', (t) => {
  const scenario = scenarioOf()
  const forecaster = new Forecaster(scenario)
  const [first] = forecaster.breaks([10, 20, 50])
  const { resource, machines } = first!
  t.true(resource.used(forecaster.observe(machines), scenario.hardware) > resource.capacity)
  t.deepEqual(broken(forecaster.observe(Math.floor(machines * 0.8)), scenario.hardware), [])
})

for (const [name, scenario, sizes] of [
  ['connections', scenarioOf({ rate: 1 }, { maxConnections: 100 }), [10, 20]],
  ['threads', scenarioOf({ rate: 80 }), [1, 2]],
  ['commits that announce', scenarioOf({}, { fsync: 10, notifyInCommit: true }), [2, 10]],
  ['processors of the database', scenarioOf({}, { cores: 1, fsync: 0.1 }), [5, 50]],
  [
    'lock of a limited name',
    scenarioOf({ rate: 100, work: 1, limited: 1, grouped: 0, unique: 0 }, { fsync: 10 }),
    [1, 10],
  ],
  ['bandwidth of the log', scenarioOf({ size: 1_000_000, rate: 10, limited: 0 }, { cores: 32 }), [5, 50]],
] as const)
  test(`where there is too little of it, what breaks first is: ${name}`, (t) => {
    const [first] = new Forecaster(scenario).breaks(sizes)
    t.is(first?.resource.name, name)
    t.true(first!.resource.advice.length > 0)
  })

test('every resource has a name of its own and says what to do', (t) => {
  t.is(new Set(resources.map(({ name }) => name)).size, resources.length)
  for (const { advice } of resources) t.true(advice.length > 0)
})

test('where nothing can be spared a backlog is never caught up on', (t) => {
  t.is(new Forecaster(scenarioOf({ rate: 45 })).forecast(1).catchUp, Infinity)
  const { catchUp } = new Forecaster(scenarioOf({ rate: 10 })).forecast(2)
  t.true(catchUp > 1 && catchUp < 10, String(catchUp))
})

test('the tasks of a dead machine run again after its lease, and within 15 seconds where tasks are short', (t) => {
  t.is(runAgain(defaults, 1), undefined)
  for (const machines of [2, 10, 1_000]) {
    const { p50, p99, last } = runAgain(defaults, machines)!
    t.true(p50 > 8 && p50 < p99 && p99 < last && last < 15, `${machines} machines`)
  }
})

test('wrong flags are refused with one line', async (t) => {
  const refused: [args: string[], said: RegExp][] = [
    [['--machines', '0'], /^--machines: Expected a whole number from 1 to 5000, got "0"$/],
    [['--machines', '1,,2'], /^--machines: Expected a whole number from 1 to 5000, got ""$/],
    [['--machines', '1e3'], /^--machines: Expected a whole number/],
    [['--machines', Array(21).fill('1').join()], /^--machines: Expected at most 20 numbers, got 21$/],
    [['--rate', '-1'], /^Option '--rate' argument is ambiguous/],
    [['--rate=NaN'], /^--rate: Expected a number from 0\.1 to 10000, got "NaN"$/],
    [['--rate', '1000'], /^--rate, --machines: Expected at most 200000 tasks a second in all, got 1000000$/],
    [['--work', '0'], /^--work: Expected a number/],
    [['--grouped', '0.9', '--limited', '0.2'], /^--grouped, --unique, --limited: Expected shares/],
    [['--seed', '1.5'], /^--seed: Expected a whole number from 0 to 4294967295, got "1\.5"$/],
    [['--colour'], /^Unknown option '--colour'/],
    [['more'], /^Unexpected argument 'more'/],
  ]
  for (const [args, said] of refused) {
    const { message } = t.throws(() => parseOptions(args))
    t.regex(message, said)
    t.notRegex(message, /\n/)
  }
  const { code, out, err } = await run('--seed', 'x')
  t.is(code, 1)
  t.is(out, '')
  t.regex(err, /^simulate: --seed: [^\n]*\n$/)
})

test('the command shows a line for each number of machines, and what breaks first', async (t) => {
  const { code, out, err } = await run('--machines', '50,1,50', '--seed', '3', '--cores', '4')
  t.is(code, 0, err)
  const lines = out.split('\n')
  t.deepEqual(
    lines.filter((line) => /^\d/.test(line)).map((line) => line.split(/ +/, 1)[0]),
    ['1', '50'],
  )
  t.regex(out, /^First to break, from \d+ machines on: processors of the database\.$/m)
  t.true(lines.every((line) => line.length < 200))
})

test('with --json it gives the same as one document, and the same for the same seed', async (t) => {
  const args = ['--machines', '1,60', '--rate', '10', '--json']
  const [once, twice] = await Promise.all([run(...args), run(...args)])
  t.is(once.out, twice.out)
  const { scenario, forecasts, breaks } = JSON.parse(once.out)
  t.is(scenario.load.rate, 10)
  t.deepEqual(
    forecasts.map(({ machines }: { machines: number }) => machines),
    [1, 60],
  )
  for (const { resource, machines, advice } of breaks) {
    t.true(machines > 1 && machines <= 60, resource)
    t.true(advice.length > 0)
  }
})

test('where nothing breaks it says so', async (t) => {
  const { out } = await run('--machines', '1', '--rate', '1')
  t.regex(out, /^Nothing breaks up to 1 machine\.$/m)
})
