import { appendFileSync } from 'node:fs'
import { currentTask } from 'afterwork/worker'
import { pass } from '../../../support/workers/steps.ts'

export { echo, pass } from '../../../support/workers/steps.ts'

/** Waits at a gate of its own in each attempt; gives the number of the attempt. */
export async function passAgain(url: string): Promise<number> {
  await pass(`${url}${currentTask().attempt}`)
  return currentTask().attempt
}

/** Takes the process with it, once the gate of its attempt at `url` opens. */
export async function crash(url: string): Promise<void> {
  await passAgain(url)
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
}

/** Writes a line into a file that all processes share. */
export function note(file: string, line: string): void {
  appendFileSync(file, `${line}\n`)
}

/** Likewise once the gate of its attempt at `url` opens; gives the number of the attempt. */
export async function noteAfter(url: string, file: string, line: string): Promise<number> {
  const attempt = await passAgain(url)
  note(file, `${line} ${attempt}`)
  return attempt
}

/** Fails until its attempt of that number. */
export function failUntil(attempt: number): number {
  if (currentTask().attempt < attempt) throw new Error(`not before attempt ${attempt}`)
  return attempt
}
