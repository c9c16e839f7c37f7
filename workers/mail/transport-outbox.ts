import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createTransport } from 'nodemailer'
import type { Signing } from './dkim.ts'
import type { Deliver } from './transport.ts'

/** Leaves messages in a folder, each as one file named after its task, instead of sending them. */
export function toOutbox({ folder, dkim }: { folder: string; dkim: Signing | undefined }): Deliver {
  const transport = createTransport({
    streamTransport: true,
    buffer: false,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim && { dkim }),
  })
  return async (composed, { signal }) => {
    const { messageId, message } = await transport.sendMail(composed)
    const name = `${messageId.replace(/^<|@.*$/gs, '')}.eml`
    const unfinished = join(folder, `${name}.tmp`)
    await mkdir(folder, { recursive: true })
    try {
      await pipeline(message as Readable, createWriteStream(unfinished, { flush: true }), { signal })
    } catch (error) {
      await rm(unfinished, { force: true })
      signal.throwIfAborted()
      throw error
    }
    await rename(unfinished, join(folder, name))
    return { to: composed.to.address, messageId, response: `outbox/${name}` }
  }
}
