import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { AfterworkError } from '../core/errors.ts'
import { isAlive } from '../queue/sqlite/at-rest/alive.ts'

/** How long what another machine left of messages is kept, in milliseconds; sending one takes no hour. */
const keepSigning = 24 * 3_600_000

/** The absolute path of the data folder, made if it is missing; a task would find out too late that it cannot be written to. */
export function prepareData(folder: string): string {
  const data = resolve(folder)
  try {
    mkdirSync(`${data}/files`, { recursive: true })
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK)
    accessSync(`${data}/files`, constants.R_OK | constants.W_OK | constants.X_OK)
    return data
  } catch (cause) {
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `--data ${folder}: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/**
 * Removes what a crash left of messages that were being signed. Each process has a folder of its own, named after its
 * machine and itself (workers/mail/dkim.ts); several may share the data folder.
 */
export function forgetSigning(data: string): void {
  const folder = `${data}/signing`
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const [, host, pid] = /^(.*)-(\d+)$/.exec(name) ?? []
    if (host !== hostname()) removeOld(`${folder}/${name}`)
    else if (!isAlive(Number(pid))) rmSync(`${folder}/${name}`, { recursive: true, force: true })
  }
}

/** Nobody knows whether a process of another machine lives: its folder stays, for that may count on it. */
function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = `${folder}/${name}`
    const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity }
    if (mtimeMs + keepSigning < Date.now()) rmSync(file, { force: true })
  }
}
