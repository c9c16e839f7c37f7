import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import { openDatabase, type QueueDatabase } from './database.ts'
import { allEnded } from './ended.ts'
import { gather } from './evidence.ts'
import { cutAttempts, readJournal } from './journal.ts'
import { judge } from './judge.ts'
import { namedIn } from './judge/folder.ts'
import { Load } from './load.ts'
import { Mailbox } from './mailbox.ts'
import { makeSamples, Mix } from './mix.ts'
import { Killer, planMoments, type Moment } from './moments.ts'
import type { Options } from './options.ts'
import { lengthOf } from './outage.ts'
import { breachLines, findingsTable, killLine, lastLines, seconds } from './report.ts'
import { rolesOf } from './roles.ts'
import { countStrays, keepUnnamed, plant } from './strays.ts'
import { suspectsEnded } from './suspects.ts'

/** What a run needs beside the options. */
export interface Surroundings {
  /** Takes the report, line by line. */
  say: (line: string) => void
  /** The URL of the queue of a data folder, where it is not PostgreSQL. */
  queueOf: (data: string) => string
  /** The URL of a PostgreSQL that is there; without one the run has its own. */
  server?: string | undefined
  /** Ends the run early. */
  signal: AbortSignal
}

/** Clients that make requests at the same time. */
const clients = 10
/** How long the load goes on after the last kill, in milliseconds. */
const aftermath = 2_000
/** Where several processes sweep, an upload that goes on in another must be younger than this, in milliseconds. */
const longestUpload = 60_000

/** Kills a service under load again and again, and proves what it kept; true when that is all it promised. */
export async function run(options: Options, surroundings: Surroundings): Promise<boolean> {
  const { say, queueOf, server } = surroundings
  const { seed, kills, keep, queue, processes } = options
  const data = await mkdtemp(join(tmpdir(), 'afterwork-crash-'))
  let database: QueueDatabase | null = null
  try {
    const where = queue === 'sqlite' ? '' : `, ${processes} processes on ${queue}`
    say(`seed ${seed}, ${kills} kills${where}${keep ? `, data in ${data}` : ''}`)
    if (queue === 'postgres') database = await openDatabase(server)
    const url = database?.url ?? queueOf(data)
    return await new Run(options, surroundings, { data, queue: url, database }).proof()
  } finally {
    await database?.end()
    if (!keep) await rm(data, { recursive: true, force: true })
  }
}

/** Where a run keeps what it must not lose. */
interface Ground {
  data: string
  /** The URL of the queue. */
  queue: string
  database: QueueDatabase | null
}

class Run {
  readonly #options: Options
  readonly #say: Surroundings['say']
  readonly #ground: Ground
  readonly #journal: string
  readonly #files: string
  readonly #trouble = new AbortController()
  /** Aborted by who asked for the run, or because a process ended of itself. */
  readonly #signal: AbortSignal
  readonly #startedAt = performance.now()

  constructor(options: Options, { say, signal }: Surroundings, ground: Ground) {
    this.#options = options
    this.#say = say
    this.#ground = ground
    this.#journal = join(ground.data, 'journal')
    this.#files = join(ground.data, 'files')
    this.#signal = AbortSignal.any([signal, this.#trouble.signal])
  }

  async proof(): Promise<boolean> {
    const { seed } = this.#options
    const samples = await makeSamples()
    const mailbox = await new Mailbox().listen()
    const cluster = this.#cluster(mailbox)
    const mixes = Array.from(
      { length: clients },
      (_, index) => new Mix(seed + index + 1, `c${index}`, samples),
    )
    const load = new Load(mixes, cluster.server, this.#signal)
    try {
      cluster.start()
      await this.#orTrouble(this.#killAll(cluster, load, new Mix(seed, 'slow', samples)))
      await this.#orTrouble(allEnded((await cluster.server()).url!, this.#say, this.#signal))
      const before = await this.#orTrouble(this.#startAgain(cluster))
      return await this.#orTrouble(this.#prove(cluster, load, mailbox, before))
    } catch (error) {
      // The clients must not wait for processes that are no more.
      this.#trouble.abort(error)
      throw error
    } finally {
      await this.#end(cluster, mailbox)
    }
  }

  #cluster(mailbox: Mailbox): Cluster {
    const { data, queue, database } = this.#ground
    const flaky = join(data, 'flaky')
    mkdirSync(flaky)
    writeFileSync(this.#journal, '')
    const settings = rolesOf(this.#options.processes).map((role, index) => ({
      role,
      env: {
        AFTERWORK_DATA: data,
        AFTERWORK_QUEUE: queue,
        CRASH_JOURNAL: this.#journal,
        CRASH_FLAKY: flaky,
        // Short where it can be, so that each start sweeps what the kill before it left.
        CRASH_KEEP_UNNAMED: String(database === null ? keepUnnamed : longestUpload),
        LOG_LEVEL: 'warn',
        SMTP_URL: mailbox.url,
      },
      log: join(data, index === 0 ? 'service.log' : `process-${index + 1}.log`),
      onTrouble: (reason: Error) => this.#trouble.abort(reason),
    }))
    return new Cluster(settings, this.#signal)
  }

  /** All kills, under load from the first start until a while after the last. */
  async #killAll(cluster: Cluster, load: Load, slow: Mix): Promise<void> {
    const { seed } = this.#options
    const { database } = this.#ground
    const parts = { cluster, database, load, mix: slow, journal: this.#journal, signal: this.#signal }
    const killer = new Killer({ ...parts, seed: seed + 1_000 })
    const moments = planMoments(seed + 2_000, this.#options)
    await cluster.up()
    this.#signal.throwIfAborted()
    for (const { role, took, pid } of cluster.lives) {
      const [who, more] = database === null ? ['', `, ${clients} clients`] : [`${role} `, '']
      this.#say(`${who}up in ${seconds(took!)} as process ${pid}${more}`)
    }
    load.start()
    for (const [index, moment] of moments.entries()) {
      const killed = await killer.kill(moment)
      this.#signal.throwIfAborted()
      await this.#goOn(
        { cluster, killer, load },
        { number: index + 1, moment, next: moments[index + 1], killed },
      )
    }
    await wait(aftermath, undefined, { signal: this.#signal })
    await load.stop()
  }

  /** The next life begins; after every second kill the tasks that it cut may end before the next comes. */
  async #goOn(
    { cluster, killer, load }: { cluster: Cluster; killer: Killer; load: Load },
    kill: { number: number; moment: Moment; next: Moment | undefined; killed: string[] },
  ): Promise<void> {
    const { number, moment, next, killed } = kill
    const pids = new Set(cluster.kills.map(({ pid }) => pid))
    const suspects = cutAttempts((await readJournal(this.#journal)).lines, pids).size
    const lives = killer.startAgain()
    if (next !== 'while it starts') await cluster.up()
    const acknowledged = load.count('acknowledged')
    const { database } = this.#ground
    const times =
      moment === 'the database' ? [lengthOf(database!.outages.at(-1)!)] : lives.map(({ took }) => took)
    const restart = times.includes(null) ? null : Math.max(...times.map(Number))
    const who = database === null ? null : killed
    this.#say(killLine({ number, killed: who, moment, acknowledged, restart, suspects }))
    if (number % 2 === 0)
      await suspectsEnded((await cluster.server()).url!, this.#journal, pids, this.#signal)
  }

  /** A last start, of which nothing is asked but to sweep; gives what is in the folder of stored files before it. */
  async #startAgain(cluster: Cluster): Promise<string[]> {
    await this.#stop(cluster)
    await plant(this.#files)
    const names = await readdir(this.#files)
    await wait(keepUnnamed + 200, undefined, { signal: this.#signal })
    cluster.startFirst({ CRASH_KEEP_UNNAMED: String(keepUnnamed) })
    return names
  }

  async #prove(cluster: Cluster, load: Load, { deliveries }: Mailbox, before: string[]): Promise<boolean> {
    const { sent: requests } = load
    const { kills } = cluster
    this.#say(
      `all ended after ${seconds(performance.now() - this.#startedAt)}; asking for every task and file`,
    )
    const { url } = await cluster.server()
    const evidence = await gather(
      url!,
      { journal: this.#journal, files: this.#files },
      before,
      { requests, deliveries, kills, outages: this.#ground.database?.outages ?? null },
      this.#signal,
    )
    const judgement = judge(evidence)
    const strays = countStrays(before, namedIn(evidence))
    for (const line of ['', ...findingsTable(judgement), '', ...breachLines(judgement, evidence)])
      this.#say(line)
    for (const line of lastLines(judgement, this.#options.kills, strays)) this.#say(line)
    if (judgement.counts.acknowledged === 0) this.#say('nothing was acknowledged: this proves nothing')
    const isKept = judgement.findings.every(({ breaches }) => breaches.length === 0)
    return isKept && judgement.counts.acknowledged > 0
  }

  /** Nothing that waits for the service may outlive it. */
  async #orTrouble<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    const trouble = new Promise<never>((_, reject) => {
      if (this.#signal.aborted) reject(this.#signal.reason as Error)
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason as Error))
    })
    return Promise.race([work, trouble])
  }

  async #stop(cluster: Cluster): Promise<void> {
    for (const { role } of await cluster.stop()) this.#say(`\`${role}\` had to be killed to stop`)
  }

  async #end(cluster: Cluster, mailbox: Mailbox): Promise<void> {
    if (this.#signal.aborted) await cluster.killAll()
    else await this.#stop(cluster)
    await mailbox.close()
  }
}
