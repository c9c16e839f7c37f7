import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Absent, type ListeningSystem } from '../harness/system-module.ts'
import { storedIn, type UploadOptions } from './protocol.ts'

/** Debian's packages are for its own Python, which need not be the first in the path. */
const pythons = ['python3', '/usr/bin/python3']

/** FastAPI's UploadFile on one uvicorn process, as both are installed. */
export async function start({ folder }: UploadOptions): Promise<ListeningSystem> {
  const python = pythons.find(hasFastApi)
  if (python === undefined)
    throw new Absent('no python3 with fastapi, uvicorn and multipart (python-multipart)')
  const app = fileURLToPath(new URL('./fastapi-app.py', import.meta.url))
  // Large uploads wait in temporary files: those are to be on the same disk.
  const env = { ...process.env, TMPDIR: folder, PYTHONDONTWRITEBYTECODE: '1' }
  const server = spawn(python, [app, folder], { stdio: ['pipe', 'pipe', 2], env })
  const ended = once(server, 'exit')
  const [port] = await Promise.race([once(createInterface(server.stdout!), 'line'), ended.then(tooEarly)])
  return {
    port: Number(port),
    answers: { stored: () => storedIn(folder) },
    async stop() {
      server.stdin!.end()
      await ended
    },
  }
}

function tooEarly(): never {
  throw new Error('Expected a server, but its process ended')
}

function hasFastApi(python: string): boolean {
  return spawnSync(python, ['-c', 'import fastapi, uvicorn, multipart']).status === 0
}
