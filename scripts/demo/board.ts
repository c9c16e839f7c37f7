import { styleText } from 'node:util'
import type { TaskDocument } from 'afterwork'
import { duration } from './text.ts'

const barWidth = 20
const nameWidth = 20

/** Shows how far tasks are: a bar each that is drawn over and over, or where that cannot be a line for each change. */
export class Board {
  readonly #output: NodeJS.WriteStream
  #lines: string[] = []

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  /** Always the same tasks in the same order. */
  show(tasks: TaskDocument[]): void {
    if (this.#output.isTTY) this.#draw(tasks)
    else this.#list(tasks)
  }

  #draw(tasks: TaskDocument[]): void {
    const up = this.#lines.length === 0 ? '' : `\x1b[${this.#lines.length}A`
    this.#lines = tasks.map((task) => {
      const filled = Math.round(fractionOf(task) * barWidth)
      const bar = styleText('green', '█'.repeat(filled)) + styleText('dim', '░'.repeat(barWidth - filled))
      return `  ${task.name.padEnd(nameWidth)} ${bar} ${percent(task)}  ${remark(task)}`
    })
    this.#output.write(up + this.#lines.map((line) => `\x1b[2K${line}\n`).join(''))
  }

  #list(tasks: TaskDocument[]): void {
    const lines = tasks.map((task) => `  ${task.name.padEnd(nameWidth)} ${percent(task)}  ${remark(task)}`)
    const changed = lines.filter((line, index) => line !== this.#lines[index])
    this.#output.write(changed.map((line) => `${line}\n`).join(''))
    this.#lines = lines
  }
}

function fractionOf({ state, progress }: TaskDocument): number {
  return state === 'succeeded' ? 1 : (progress?.fraction ?? 0)
}

function percent(task: TaskDocument): string {
  return `${Math.round(fractionOf(task) * 100)}%`.padStart(4)
}

/** What to say of a task, short enough that no terminal breaks the line, which could then not be drawn over. */
function remark({ state, progress, startedAt, endedAt }: TaskDocument): string {
  if (state === 'queued') return 'waits for its turn'
  if (state === 'running') return progress?.message ?? 'runs'
  if (state === 'succeeded') return `done in ${duration(Date.parse(endedAt!) - Date.parse(startedAt!))}`
  return state
}
