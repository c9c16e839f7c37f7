import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { gather } from './evidence.ts'
import { cutAttempts, readJournal } from './journal.ts'
import { judge } from './judge.ts'
import { namedIn } from './judge/folder.ts'
import { Lives } from './lives.ts'
import { Load } from './load.ts'
import { Mailbox } from './mailbox.ts'
import { makeSamples, Mix } from './mix.ts'
import { Killer, planMoments, type Moment } from './moments.ts'
import type { Options } from './options.ts'
import { liveTasks } from './records.ts'
import { breachLines, findingsTable, killLine, lastLines, seconds } from './report.ts'
import { countStrays, keepUnnamed, plant } from './strays.ts'
import { suspectsEnded } from './suspects.ts'

/** What a run needs beside the options. */
export interface Surroundings {
  /** Takes the report, line by line. */
  say: (line: string) => void
  /** The URL of the queue of a data folder. */
  queueOf: (data: string) => string
  /** Ends the run early. */
  signal: AbortSignal
}

/** Clients that make requests at the same time. */
const clients = 10
/** How long the load goes on after the last kill, in milliseconds. */
const aftermath = 2_000
/** How long the rest may take to end without one task getting on, in milliseconds. */
const patience = 120_000
/** How often is said how many are left, in milliseconds. */
const interval = 5_000

/** Kills a service under load again and again, and proves what it kept; true when that is all it promised. */
export async function run(options: Options, surroundings: Surroundings): Promise<boolean> {
  const { say } = surroundings
  const data = await mkdtemp(join(tmpdir(), 'afterwork-crash-'))
  try {
    say(`seed ${options.seed}, ${options.kills} kills${options.keep ? `, data in ${data}` : ''}`)
    return await new Run(options, surroundings, data).proof()
  } finally {
    if (!options.keep) await rm(data, { recursive: true, force: true })
  }
}

class Run {
  readonly #options: Options
  readonly #say: Surroundings['say']
  readonly #queue: string
  readonly #data: string
  readonly #journal: string
  readonly #files: string
  readonly #trouble = new AbortController()
  /** Aborted by who asked for the run, or because the service ended of itself. */
  readonly #signal: AbortSignal
  readonly #startedAt = performance.now()

  constructor(options: Options, { say, queueOf, signal }: Surroundings, data: string) {
    this.#options = options
    this.#say = say
    this.#data = data
    this.#queue = queueOf(data)
    this.#journal = join(data, 'journal')
    this.#files = join(data, 'files')
    this.#signal = AbortSignal.any([signal, this.#trouble.signal])
  }

  async proof(): Promise<boolean> {
    const { seed } = this.#options
    const samples = await makeSamples()
    const mailbox = await new Mailbox().listen()
    const lives = this.#lives(mailbox)
    const mixes = Array.from(
      { length: clients },
      (_, index) => new Mix(seed + index + 1, `c${index}`, samples),
    )
    const load = new Load(mixes, lives.url, this.#signal)
    try {
      lives.start()
      await this.#orTrouble(this.#killAll(lives, load, new Mix(seed, 'slow', samples)))
      await this.#orTrouble(this.#untilAllEnded(await lives.url()))
      const before = await this.#orTrouble(this.#startAgain(lives))
      return await this.#orTrouble(this.#prove(lives, load, mailbox, before))
    } finally {
      await this.#end(lives, mailbox)
    }
  }

  #lives(mailbox: Mailbox): Lives {
    const flaky = join(this.#data, 'flaky')
    mkdirSync(flaky)
    writeFileSync(this.#journal, '')
    return new Lives(
      {
        env: {
          CRASH_DATA: this.#data,
          CRASH_QUEUE: this.#queue,
          CRASH_JOURNAL: this.#journal,
          CRASH_FLAKY: flaky,
          SMTP_URL: mailbox.url,
        },
        log: join(this.#data, 'service.log'),
        onTrouble: (reason) => this.#trouble.abort(reason),
      },
      this.#signal,
    )
  }

  /** All kills, under load from the first start until a while after the last. */
  async #killAll(lives: Lives, load: Load, slow: Mix): Promise<void> {
    const { kills, seed } = this.#options
    const killer = new Killer(lives, load, slow, seed + 1_000)
    const moments = planMoments(seed + 2_000, kills)
    await lives.url()
    this.#say(`up in ${seconds(lives.current.took!)} as process ${lives.current.pid}, ${clients} clients`)
    load.start()
    for (const [index, moment] of moments.entries()) {
      await killer.kill(moment)
      this.#signal.throwIfAborted()
      await this.#goOn(lives, load, index + 1, moment, moments[index + 1])
    }
    await wait(aftermath, undefined, { signal: this.#signal })
    await load.stop()
  }

  /** The next life begins; after every second kill the tasks that it cut may end before the next comes. */
  async #goOn(lives: Lives, load: Load, number: number, moment: Moment, next: Moment | undefined) {
    const suspects = cutAttempts((await readJournal(this.#journal)).lines).size
    const life = lives.start()
    if (next !== 'while it starts') await life.listening
    const acknowledged = load.count('acknowledged')
    this.#say(killLine({ number, moment, acknowledged, restart: life.took, suspects }))
    if (number % 2 === 0) await suspectsEnded(await lives.url(), this.#journal, this.#signal)
  }

  async #untilAllEnded(url: string): Promise<void> {
    let known = Infinity
    let progressAt = Date.now()
    for (let saidAt = Date.now(); ;) {
      const live = await liveTasks(url)
      if (live.length === 0) return
      this.#signal.throwIfAborted()
      if (live.length < known) progressAt = Date.now()
      known = Math.min(known, live.length)
      // What has not ended then is for the judge.
      if (Date.now() > progressAt + patience) return this.#say(`${live.length} tasks do not end`)
      if (Date.now() > saidAt + interval) {
        saidAt = Date.now()
        this.#say(`${live.length} tasks have not ended yet`)
      }
      await wait(200, undefined, { signal: this.#signal })
    }
  }

  /** A last start, of which nothing is asked but to sweep; gives what is in the folder of stored files before it. */
  async #startAgain(lives: Lives): Promise<string[]> {
    if (!(await lives.current.stop())) this.#say('the service had to be killed to stop')
    await plant(this.#files)
    const names = await readdir(this.#files)
    await wait(keepUnnamed + 200, undefined, { signal: this.#signal })
    lives.start()
    return names
  }

  async #prove(lives: Lives, load: Load, { deliveries }: Mailbox, before: string[]): Promise<boolean> {
    const { sent: requests } = load
    const { kills } = lives
    this.#say(
      `all ended after ${seconds(performance.now() - this.#startedAt)}; asking for every task and file`,
    )
    const evidence = await gather(
      await lives.url(),
      { journal: this.#journal, files: this.#files },
      before,
      { requests, deliveries, kills },
      this.#signal,
    )
    const judgement = judge(evidence)
    const strays = countStrays(before, namedIn(evidence))
    for (const line of ['', ...findingsTable(judgement), '', ...breachLines(judgement, evidence)])
      this.#say(line)
    for (const line of lastLines(judgement, kills.length, strays)) this.#say(line)
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

  async #end(lives: Lives, mailbox: Mailbox): Promise<void> {
    if (this.#signal.aborted) await lives.kill()
    else if (!(await lives.current.stop())) this.#say('the service had to be killed to stop')
    await mailbox.close()
  }
}
