import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { AfterworkError } from '../../../core/errors.ts'
import { explained } from '../store/database.ts'
import { Lock } from '../store/lock.ts'
import { isHealthy } from './health.ts'
import { NewFile, type Settled } from './new-file.ts'
import { Pages } from './pages.ts'
import type { Recovery } from './report.ts'
import { Salvage } from './salvage.ts'
import { swap } from './swap.ts'

/**
 * Saves what can be read of a damaged queue into a new file in its place, and keeps the damaged one.
 * @throws AFTERWORK_QUEUE_IN_USE; AFTERWORK_QUEUE_CORRUPT when nothing can be read; AFTERWORK_QUEUE_UNUSABLE when there
 * is no such file, it is not ours, or the disk fails. Then everything is as it was.
 */
export function recover(path: string, now: number): Recovery {
  const given = resolve(path)
  if (!existsSync(given))
    throw new AfterworkError('AFTERWORK_QUEUE_UNUSABLE', `There is no queue at ${given}`)
  try {
    // A link stays one: the engine, too, has its lock and its log beside the file itself.
    const file = realpathSync(given)
    const lock = new Lock(file)
    try {
      return recoverFile(file, now)
    } finally {
      lock.release()
    }
  } catch (error) {
    throw explained(error, given)
  }
}

function recoverFile(file: string, now: number): Recovery {
  const pages = new Pages(file)
  try {
    if (isHealthy(file, pages)) return { outcome: 'healthy', file }
    const target = new NewFile(`${file}.recovering`)
    try {
      const salvage = new Salvage(pages, target)
      salvage.run()
      if (!salvage.found) throw nothing(file)
      const lost = salvage.lost()
      const { tasks, attempts } = salvage.damaged
      const groups = tasks > 0 ? salvage.troubledGroups() : new Map<string, number>()
      const settled = target.settle(
        { attempts: attempts > 0, rows: salvage.stale, groups },
        salvage.last,
        now,
      )
      target.close()
      const kept = swap(file, { file: `${file}.recovering`, wal: target.wal }, now)
      const { saved } = settled
      return {
        outcome: 'recovered',
        file,
        kept,
        saved,
        lost,
        dropped: salvage.dropped,
        notes: notesOn(salvage, settled),
      }
    } finally {
      target.remove()
    }
  } finally {
    pages.close()
  }
}

function nothing(file: string): AfterworkError {
  return new AfterworkError(
    'AFTERWORK_QUEUE_CORRUPT',
    `${file} holds nothing of a queue that can be read, and was left as it is: restore it from a backup, or move it away to begin with an empty queue`,
  )
}

function notesOn({ damaged, pausedLost, stale }: Salvage, { doubted, cancelled }: Settled): string[] {
  const notes: [boolean, string][] = [
    [stale, 'Some tasks may be in an older state than they were in: ended ones may run again.'],
    [
      doubted > 0,
      `At-most-once tasks that may have run already: ${doubted}. The next start fails them with AFTERWORK_INTERRUPTED; retry those that had not.`,
    ],
    [
      cancelled > 0,
      `Tasks cancelled because they run only after the success of one that is lost: ${cancelled}. Each can be retried.`,
    ],
    [damaged.attempts > 0, 'Which tasks ran when the process died could be read in part only.'],
    [damaged.aliases > 0, 'Second ids of tasks with a unique key could be read in part only.'],
    [
      damaged.rated_starts > 0,
      'When rate-limited tasks last started is forgotten: they may start sooner, once.',
    ],
    [damaged.receipts > 0, 'Answers kept under an Idempotency-Key could be read in part only.'],
    [pausedLost, 'Which pools were paused is forgotten: pause them again.'],
  ]
  return notes.filter(([holds]) => holds).map(([, note]) => note)
}
