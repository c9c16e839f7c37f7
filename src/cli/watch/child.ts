import { oneLine } from '../one-line.ts'

/** What the watcher asks of the process that runs the service. */
export interface Request {
  type: 'recycle'
}

// The service of `serve --watch`: that of `serve`, which also hears the watcher.
let early: NodeJS.Signals | undefined
const remember = (signal: NodeJS.Signals): void => void (early ??= signal)
process.on('SIGTERM', remember).on('SIGINT', remember)
// The watcher is gone, however it died: nobody would ever end this process.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))

const starting = start()
process.on('message', (request: Request) => {
  if (request.type === 'recycle') void starting.then((service) => service && recycle(service))
})
// Or it would keep a service that has stopped.
process.channel?.unref()

async function start() {
  try {
    const { serve } = await import('../serve.ts')
    const service = await serve(process.argv.slice(2))
    process.off('SIGTERM', remember).off('SIGINT', remember)
    // It came while nobody could stop anything yet.
    if (early !== undefined) process.kill(process.pid, early)
    return service
  } catch (error) {
    tell(`${oneLine(error)}${whereOf(error)}`)
    process.exitCode = 1
    return undefined
  }
}

async function recycle({ afterwork }: NonNullable<Awaited<typeof starting>>): Promise<void> {
  try {
    const { added, removed } = await afterwork.recycle()
    const names = [...added.map((name) => ` +${name}`), ...removed.map((name) => ` -${name}`)]
    tell(`workers are loaded anew${names.join('')}`)
  } catch (error) {
    tell(`${oneLine(error)}; the old ones go on${whereOf(error)}`)
  }
}

/** Where in a module that cannot be loaded the fault is, as far as the stack of the cause tells. */
function whereOf(error: unknown): string {
  const { stack = '' } = (error as { cause?: { stack?: string } }).cause ?? {}
  const lines = stack.split('\n').filter((line) => line !== '' && !/^ +at .*\bnode:internal\b/.test(line))
  return lines.map((line) => `\n  ${line}`).join('')
}

function tell(line: string): void {
  process.stderr.write(`afterwork: ${line}\n`)
}
