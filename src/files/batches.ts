import { finished, type Readable } from 'node:stream'

/** What may wait at most, in bytes and in chunks, before the source is paused. */
const most = { bytes: 1024 ** 2, chunks: 256 }

/**
 * The chunks of a source in batches: all that came while the batch before was worked on, so that slow work is done
 * seldom. Leaving the loop early pauses the source; whoever gave it is to end it.
 * @throws the error of the source; ERR_STREAM_PREMATURE_CLOSE when it was closed before its end
 */
export async function* batches(source: Readable): AsyncGenerator<Buffer[], void, void> {
  let waiting: Buffer[] = []
  let bytes = 0
  let over: { error: unknown } | undefined
  let wake = (): void => {}

  function take(data: Buffer | string): void {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data
    waiting.push(chunk)
    bytes += chunk.length
    if (bytes >= most.bytes || waiting.length >= most.chunks) source.pause()
    wake()
  }

  const forget = finished(source, { writable: false }, (error) => {
    over = { error: error ?? undefined }
    wake()
  })
  source.on('data', take)
  try {
    for (;;) {
      if (over?.error !== undefined) throw over.error
      if (waiting.length > 0) {
        const batch = waiting
        waiting = []
        bytes = 0
        // What comes meanwhile is the next batch.
        if (over === undefined) source.resume()
        yield batch
      } else if (over === undefined) {
        await new Promise<void>((resolve) => (wake = resolve))
      } else {
        return
      }
    }
  } finally {
    forget()
    source.off('data', take)
    if (over === undefined) source.pause()
  }
}
