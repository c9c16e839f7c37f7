import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { listening, type ListeningSystem } from '../harness/system-module.ts'
import { storedIn, type UploadOptions } from './protocol.ts'

/** The least that keeps an upload: a request piped to a file; file and folder are on the disk before the answer. */
export async function start({ folder }: UploadOptions): Promise<ListeningSystem> {
  async function store(request: IncomingMessage): Promise<string> {
    const id = randomUUID()
    await pipeline(request, createWriteStream(join(folder, id), { flags: 'wx', flush: true }))
    const handle = await open(folder)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    return id
  }

  const server = createServer((request, response) => {
    store(request).then(
      (id) => {
        const answer = JSON.stringify({ id })
        response.writeHead(202, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
        response.end(answer)
      },
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`)
        response.writeHead(500, { 'Content-Length': 0 }).end()
      },
    )
  })
  return { ...(await listening(server.listen(0, '127.0.0.1'))), answers: { stored: () => storedIn(folder) } }
}
