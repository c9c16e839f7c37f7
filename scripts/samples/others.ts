import { Random } from '../crash/random.ts'

/** What no reader is for. */
export function others(): Record<string, Buffer> {
  return {
    empty: Buffer.alloc(0),
    'unknown.bin': Buffer.from(new Random(1).bytes(2_000)),
    'tone.wav': wav(),
  }
}

/** An eighth of a second of a tone: 8,000 samples a second of 8 bits. */
function wav(): Buffer {
  const samples = Buffer.from(
    Array.from({ length: 1_000 }, (_, index) =>
      Math.round(128 + 100 * Math.sin((index * 440 * 2 * Math.PI) / 8_000)),
    ),
  )
  const header = Buffer.alloc(44)
  header.write('RIFF')
  header.writeUInt32LE(36 + samples.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8_000, 24)
  header.writeUInt32LE(8_000, 28)
  header.writeUInt16LE(1, 32)
  header.writeUInt16LE(8, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.length, 40)
  return Buffer.concat([header, samples])
}
