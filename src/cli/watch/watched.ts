import type { End, Run } from './run.ts'

/** What a change asks for; a new process has new threads as well. */
type Wanted = 'nothing' | 'threads' | 'process'

/** Keeps one run of the service up with the sources: one thing at a time, and no change is forgotten meanwhile. */
export class WatchedService {
  readonly #start: () => Run
  readonly #patience: number
  readonly #tell: (line: string) => void
  #run: Run | undefined
  #wanted: Wanted = 'nothing'
  #working = false
  #stopped = false

  /** @param patience how long a run may take to stop, in milliseconds */
  constructor(start: () => Run, patience: number, tell: (line: string) => void) {
    this.#start = start
    this.#patience = patience
    this.#tell = tell
  }

  start(): void {
    this.#want('process')
  }

  /** Files have changed: new threads do where they are workers' only, and there is a process to have them. */
  changed(files: readonly string[]): void {
    const [first, ...others] = files
    this.#tell(`${first}${others.length === 0 ? '' : ` and ${others.length} more`} changed`)
    this.#want(files.every((file) => file.startsWith('workers/')) ? 'threads' : 'process')
  }

  /** Ends the run, and starts none any more; resolves with how it ended, or undefined where none ran. */
  async stop(signal: NodeJS.Signals): Promise<End | undefined> {
    this.#stopped = true
    return this.#run?.alive ? this.#run.stop(signal, this.#patience) : undefined
  }

  /** Ends the run at once. */
  kill(): void {
    this.#run?.kill()
  }

  #want(wanted: Wanted): void {
    if (this.#wanted !== 'process') this.#wanted = wanted
    if (!this.#working) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = true
    while (this.#wanted !== 'nothing' && !this.#stopped) {
      const wanted = this.#wanted
      this.#wanted = 'nothing'
      if (wanted === 'threads' && this.#run?.alive) this.#run.recycle()
      else await this.#restart()
    }
    this.#working = false
  }

  async #restart(): Promise<void> {
    if (this.#run?.alive) await this.#run.stop('SIGTERM', this.#patience)
    if (this.#stopped) return
    // What changed meanwhile is what it starts with.
    this.#wanted = 'nothing'
    const run = (this.#run = this.#start())
    void run.ended.then(({ code, signal }) => {
      if (!run.asked) this.#tell(`the service ended with ${signal ?? `code ${code}`}; waiting for a change`)
    })
  }
}
