#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { AfterworkError, badOption, didYouMean } from '../core/errors.ts'

// Native work of all threads shares one libuv pool, whose size is read when it is first used.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(availableParallelism() + 4, 8))

const usage = `afterwork: background tasks for Koa that run after the response

  afterwork serve [flags]            runs the ready-made service
  afterwork tasks recover [flags]    saves what can be read of a damaged queue
  afterwork --version
  afterwork --help

Flags of serve (also as environment variables, see the README):
  --host --port --data --queue --pool-min --pool-max --mail-concurrency --max-queued --max-queued-bytes
  --max-upload --keep-files --token-file --mail-from --mail-allow --drain --log-level
Flags of tasks recover:
  --data --queue --json
`

try {
  await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`afterwork: ${oneLine(error)}\n`)
  process.exitCode = 1
}

async function run([command, ...args]: string[]): Promise<void> {
  switch (command) {
    case 'serve': {
      const { serve } = await import('./serve.ts')
      return serve(args)
    }
    case 'tasks': {
      const { tasks } = await import('./tasks.ts')
      return tasks(args)
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
        'serve, tasks, --version or --help',
        command,
        didYouMean(command, ['serve', 'tasks']),
      )
  }
}

function version(): string {
  const { version } = JSON.parse(
    readFileSync(new URL(import.meta.resolve('afterwork/package.json')), 'utf8'),
  ) as { version: string }
  return version
}

/** What went wrong, for a person at a terminal: no stack unless it is a defect of ours. */
function oneLine(error: unknown): string {
  if (error instanceof AfterworkError) return error.message.replaceAll('\n', ' ')
  const { code, message, stack } = error as NodeJS.ErrnoException
  const missing = code === 'ERR_MODULE_NOT_FOUND' ? /package '([^']+)'/.exec(message)?.[1] : undefined
  if (missing !== undefined) return `the service needs ${missing}: npm install ${missing}`
  return stack ?? String(error)
}
