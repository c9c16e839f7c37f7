import type { Life, LifeSettings } from './life.ts'
import { Lives, type Kill } from './lives.ts'
import type { Role } from './roles.ts'

/** The processes that work on the same data, each with one life after the other; with sqlite it is one. */
export class Cluster {
  readonly kills: Kill[] = []
  /** Those that were killed, by role. */
  readonly killed = new Map<Role, number>()
  readonly #members: Lives[]
  readonly #signal: AbortSignal
  #asked = 0

  /** @param signal aborted when there will be no further life. */
  constructor(settings: LifeSettings[], signal: AbortSignal) {
    this.#members = settings.map((each) => new Lives(each))
    this.#signal = signal
  }

  /** The life of each that began last; none before start(). */
  get lives(): Life[] {
    return this.#members.flatMap(({ current }) => current ?? [])
  }

  start(): void {
    this.#signal.throwIfAborted()
    for (const member of this.#members) member.start()
  }

  /** A first one alone, once all have stopped. */
  startFirst(env: Record<string, string>): void {
    this.#signal.throwIfAborted()
    this.#members.splice(1)
    this.#members[0]!.start(env)
  }

  /** Those that were killed begin their next life; they are up later. Throws when the run is over. */
  startAgain(): Life[] {
    this.#signal.throwIfAborted()
    return this.#members.filter(({ current }) => current?.killed).map((member) => member.start())
  }

  /** Resolves once all that live are up. */
  async up(): Promise<void> {
    await Promise.all(this.lives.map(({ ready }) => ready))
  }

  /** One that takes requests, in turn; it may be gone again when it is asked. Rejects when the run is over. */
  readonly server = async (): Promise<Life> => {
    for (;;) {
      this.#signal.throwIfAborted()
      const servers = this.lives.filter(({ url, killed }) => url !== null && !killed)
      if (servers.length > 0) return servers[this.#asked++ % servers.length]!
      // The next life is about to begin.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Kills one at once; resolves when the process is gone. */
  kill(life: Life): Promise<unknown> {
    if (!life.killed) {
      this.kills.push({ pid: life.pid, at: Date.now() })
      this.killed.set(life.role, (this.killed.get(life.role) ?? 0) + 1)
    }
    return life.kill()
  }

  /** Kills all, without counting it. */
  async killAll(): Promise<void> {
    await Promise.all(this.lives.map((life) => life.kill()))
  }

  /** Asks all to stop, as an operator would; gives those that had to be killed for it. */
  async stop(): Promise<Life[]> {
    const lives = this.lives
    const stopped = await Promise.all(lives.map((life) => life.stop()))
    return lives.filter((_, index) => !stopped[index])
  }
}
