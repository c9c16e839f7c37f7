import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { Absent, listening } from '../harness/system-module.ts'

/**
 * A package that is measured only where somebody installed it; `Interface` is the little of it that is used.
 * @throws Absent
 */
export async function importPeer<Interface>(name: string): Promise<Interface> {
  try {
    import.meta.resolve(name)
  } catch {
    throw new Absent(`${name} is not installed`)
  }
  return (await import(name)) as Interface
}

/**
 * The path of a program.
 * @throws Absent
 */
export function findProgram(name: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // In another folder, perhaps.
    }
  }
  throw new Absent(`${name} is not in PATH`)
}

/** A port of 127.0.0.1 that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  const { port } = await listening(server)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
