#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { badOption, didYouMean } from '../core/errors.ts'
import { requirePeers } from './missing.ts'
import { oneLine } from './one-line.ts'
import { usage } from './usage.ts'

// Native work of all threads shares one libuv pool, whose size is read when it is first used.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(availableParallelism() + 4, 8))

try {
  await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`afterwork: ${oneLine(error)}\n`)
  process.exitCode ??= 1
}

async function run([command, ...args]: string[]): Promise<void> {
  switch (command) {
    case 'serve': {
      requirePeers()
      if (args.includes('--watch')) {
        const { watch } = await import('./watch/watch.ts')
        return watch(args.filter((arg) => arg !== '--watch'))
      }
      const { serve } = await import('./serve.ts')
      await serve(args)
      return
    }
    case 'work': {
      const { work } = await import('./work.ts')
      return work(args)
    }
    case 'tasks': {
      const { tasks } = await import('./tasks.ts')
      return tasks(args)
    }
    case 'move': {
      const { move } = await import('./move.ts')
      return move(args)
    }
    case 'pools': {
      const { runCommand } = await import('./operator/session.ts')
      const { pools } = await import('./pools.ts')
      return runCommand(pools, args)
    }
    case 'top': {
      const { runCommand } = await import('./operator/session.ts')
      const { top } = await import('./top/top.ts')
      return runCommand(top, args)
    }
    case '--version':
      return void process.stdout.write(`${version()}\n`)
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      return void process.stdout.write(usage)
    default:
      throw badOption(
        'afterwork',
        'serve, work, tasks, pools, top, move, --version or --help',
        command,
        didYouMean(command, ['serve', 'work', 'tasks', 'pools', 'top', 'move']),
      )
  }
}

function version(): string {
  const { version } = JSON.parse(
    readFileSync(new URL(import.meta.resolve('afterwork/package.json')), 'utf8'),
  ) as { version: string }
  return version
}
