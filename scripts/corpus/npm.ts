import { join } from 'node:path'
import { command } from './command.ts'

/** Downloads a package as it was published, into a folder; gives the path of the archive. Nothing of it is run. */
export async function downloadNpm(spec: string, folder: string): Promise<string> {
  const stdout = await command(folder, 'npm', ['pack', '--ignore-scripts', '--silent', spec])
  return join(folder, stdout.trim().split('\n').at(-1)!)
}
