import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AfterworkError } from '../../core/errors.ts'
import { Run } from './run.ts'
import { Tree } from './tree.ts'
import { WatchedService } from './watched.ts'

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** How long the service may take to stop besides its drain, which requests and tasks may use in turn, in milliseconds. */
const atMost = 10_000

/**
 * `afterwork serve --watch`: runs the service and keeps it up with its sources. A change of workers/ gives its pools new
 * threads, any other starts it again; Ctrl-C ends both, a second one at once.
 * @throws AFTERWORK_BAD_OPTION for a wrong flag, and where there are no sources that could change
 */
export async function watch(args: readonly string[]): Promise<void> {
  if (extname(import.meta.url) !== '.ts') {
    throw new AfterworkError(
      'AFTERWORK_BAD_OPTION',
      '--watch: there are no sources here that could change; in a checkout of afterwork use `npm run dev`, and for an app of your own `node --watch app.ts`',
    )
  }
  const patience = 2 * (await drainOf(args)) + atMost
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const service = new WatchedService(() => new Run(args), patience, tell)
  const tree = new Tree(root, ['src', 'workers'], (files) => service.changed(files))
  await tree.start()
  service.start()

  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) {
        service.kill()
        process.exit(exitCodes[signal])
      }
      stopping = true
      tree.stop()
      void service.stop(signal === 'SIGHUP' ? 'SIGTERM' : signal).then((end) => {
        process.exitCode = end === undefined ? 0 : (end.code ?? exitCodes[signal])
      })
    })
  }
}

/** The drain of the service, in milliseconds; checks all settings on the way. */
async function drainOf(args: readonly string[]): Promise<number> {
  try {
    const { readConfig } = await import('../../service/config.ts')
    return readConfig(args, process.env).drain
  } catch (error) {
    if (error instanceof AfterworkError) throw error
    // The sources are broken just now: the service says how, and waits for them to be mended.
    return atMost
  }
}

function tell(line: string): void {
  process.stderr.write(`afterwork: ${line}\n`)
}
