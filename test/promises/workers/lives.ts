import { readFile } from 'node:fs/promises'
import { currentTask, type StoredFile } from 'afterwork/worker'
import { pass } from '../../support/workers/steps.ts'

export { busy, deaf, exit, fillHeap, throwLate } from '../../pool/fixtures/work.ts'
export { echo, fail, pass } from '../../support/workers/steps.ts'

/** Says that it is half way, then runs until the gate at `url` opens. */
export async function passHalfWay(url: string): Promise<string> {
  currentTask().progress(0.5, 'half way')
  return pass(url)
}

/** Waits at a gate of its own in each attempt. */
export function passAgain(url: string): Promise<string> {
  return pass(`${url}${currentTask().attempt}`)
}

/** Fails until its attempt of that number. */
export function failUntil(attempt: number): number {
  if (currentTask().attempt < attempt) throw new Error(`not before attempt ${attempt}`)
  return attempt
}

/** The content of a file, as long as the task that asks can read it. */
export function read(file: StoredFile): Promise<string> {
  return readFile(file.path, 'utf8')
}

/** Adds a follow-up, then ends. */
export async function addAnother(): Promise<string> {
  const { tasks } = await import('../tasks.ts')
  return currentTask().addTask(tasks.lives.echo, 'follow-up').id
}
