import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Downloads of some megabytes have ended by then. */
const timeout = 600_000

/** Runs a program in a folder; throws an Error of one line that holds what it said last. */
export async function command(folder: string, program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { cwd: folder, timeout, maxBuffer: 64 * 1024 ** 2 })
    return stdout
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string }
    if (code === 'ENOENT') throw new Error(`${program} is not installed`, { cause })
    const said = (stderr ?? '').trim().split('\n').at(-1) || (cause as Error).message.split('\n')[0]
    throw new Error(`${program}: ${said}`, { cause })
  }
}
