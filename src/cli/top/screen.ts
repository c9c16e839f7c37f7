const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const restOfLine = '\x1b[K'
const restOfScreen = '\x1b[J'

/** Ctrl-C and Ctrl-D, which a terminal in raw mode gives as they are. */
// oxlint-disable-next-line no-control-regex
const leaving = /[qQ\x03\x04]/

/** The alternate screen of the terminal, from open() to close(). */
export class Screen {
  readonly #left: () => void
  readonly #resized: () => void
  #open = false
  readonly #restore = (): void => this.close()
  readonly #key = (keys: Buffer): void => {
    if (leaving.test(keys.toString('latin1'))) this.#left()
  }
  readonly #end = (): void => this.#left()

  /** `left` is called when the person wants to go, or is gone; `resized` when there is another size to draw for. */
  constructor({ left, resized }: { left: () => void; resized: () => void }) {
    this.#left = left
    this.#resized = resized
  }

  get width(): number {
    return process.stdout.columns || 80
  }

  get height(): number {
    return process.stdout.rows || 24
  }

  open(): void {
    this.#open = true
    process.stdout.write(enter)
    process.stdout.on('resize', this.#resized)
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true)
      process.stdin.on('data', this.#key).on('end', this.#end).on('error', this.#end)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#end)
    process.on('SIGCONT', this.#again)
    // Whatever ends the process, the terminal is usable again.
    process.on('exit', this.#restore)
  }

  /** Nothing once it is closed. What does not change stays where it is: the picture does not flicker. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return
    const shown = lines.slice(0, this.height).map((line) => line + restOfLine)
    // A line break after the last line would scroll.
    process.stdout.write(home + shown.join('\r\n') + restOfScreen)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    process.stdout.off('resize', this.#resized)
    if (process.stdin.isTTY) {
      process.stdin.off('data', this.#key).off('end', this.#end).off('error', this.#end)
      process.stdin.setRawMode(false)
      process.stdin.pause()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#end)
    process.off('SIGCONT', this.#again)
    process.off('exit', this.#restore)
    process.stdout.write(leave)
  }

  /** The shell had the terminal meanwhile. */
  readonly #again = (): void => {
    process.stdout.write(enter)
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    this.#resized()
  }
}
