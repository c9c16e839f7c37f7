import { AfterworkError, badOption } from '../core/errors.ts'
import { isPostgres, queueUrl, withoutPassword } from '../core/queue-url.ts'
import type { Move } from '../queue/move.ts'
import { Meter } from './move/meter.ts'
import { readFlags, type Flags } from './move/flags.ts'
import { count, tasksOf } from './output/human.ts'
import { print } from './output/print.ts'
import { usage } from './usage.ts'

/** What is to be moved where. */
interface Asked {
  file: string
  url: string
}

/** `afterwork move`: moves all of a queue in a file into PostgreSQL. The exit code is 2 when it was asked wrongly. */
export async function move(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  try {
    const flags = readFlags(args)
    if (flags.help) return await print(usage)
    const { file, url } = askedOf(flags, env)
    // Loads SQLite.
    const { moveQueue } = await import('../queue/move.ts')
    const meter = new Meter()
    const moved = await moveQueue(file, url, (progress) => meter.show(progress)).finally(() => meter.clear())
    await print(
      flags.json ? `${JSON.stringify({ ...moved, to: withoutPassword(url) })}\n` : textOf(moved, url),
    )
  } catch (error) {
    process.exitCode = error instanceof AfterworkError && error.code === 'AFTERWORK_BAD_OPTION' ? 2 : 1
    throw error
  }
}

/** `--to` is AFTERWORK_QUEUE where it is not given: what a command line says, other users of the machine can read. */
function askedOf({ from, to }: Flags, env: NodeJS.ProcessEnv): Asked {
  if (from === undefined)
    throw badOption('--from', `the queue that moves, such as 'sqlite:data/queue.db'`, from)
  const file = /^sqlite:(.+)$/s.exec(queueUrl(from, '--from'))?.[1]
  const given = to ?? (env['AFTERWORK_QUEUE'] || undefined)
  if (given === undefined)
    throw badOption(
      '--to',
      `a queue in PostgreSQL, such as 'postgres://user:password@host:port/database'`,
      given,
    )
  const url = queueUrl(given, to === undefined ? 'AFTERWORK_QUEUE' : '--to')
  if (file !== undefined && isPostgres(url)) return { file, url }
  throw new AfterworkError(
    'AFTERWORK_BAD_OPTION',
    `afterwork move goes from 'sqlite:' to 'postgres:' only, not from ${withoutPassword(from)} to ${withoutPassword(url)}`,
  )
}

function textOf({ tasks, aliases, receipts, paused, kept }: Move, url: string): string {
  const states = Object.entries(tasks).filter(([, number]) => number > 0)
  const total = states.reduce((sum, [, number]) => sum + number, 0)
  const named = states.map(([state, number]) => `${count(number)} ${state}`).join(', ')
  const others = [
    aliases > 0 && `${count(aliases)} second ids of tasks with a unique key`,
    receipts > 0 && `${count(receipts)} answers under an Idempotency-Key`,
    paused.length > 0 && `that ${paused.join(', ')} ${paused.length === 1 ? 'is' : 'are'} paused`,
  ].filter((other) => other !== false)
  const all = [`${tasksOf(total)}${named === '' ? '' : ` (${named})`}`, ...others].join('; ')
  return `moved to ${withoutPassword(url)}: ${all}; the file is kept as ${kept}\n`
}
