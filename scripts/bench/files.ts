import { link } from 'node:fs/promises'
import { join } from 'node:path'
import type { Benchmark, System } from './harness/benchmark.ts'
import { syncFolder } from './harness/storage.ts'
import { writeBytes } from './files/bytes-sample.ts'
import { writePdf } from './files/pdf-sample.ts'
import { writePhoto } from './files/photo-sample.ts'
import type { FileCost, FileParameters } from './files/protocol.ts'
import { writeTable } from './files/table-sample.ts'

/** Bytes or pages of the samples, and how often each is read before it counts and while it does. */
export interface FilesSize {
  table: number
  'large table': number
  bytes: number
  pages: number
  warmUp: number
  times: number
}

type FilesMeasure = 'CPU' | 'wall' | 'peak'

/** A system and the file that it reads. */
interface FileReader extends System {
  sample: 'photo.jpg' | 'table.csv' | 'large-table.csv' | 'manual.pdf' | 'bytes.bin'
}

const table = import.meta.resolve('./files/table.ts')

const readers: readonly FileReader[] = [
  { name: 'photo, afterwork', sample: 'photo.jpg', module: import.meta.resolve('./files/photo.ts') },
  { name: 'photo, sharp', sample: 'photo.jpg', module: import.meta.resolve('./files/photo-sharp.ts') },
  { name: 'table, afterwork', sample: 'table.csv', module: table },
  { name: 'table, csv-parse', sample: 'table.csv', module: import.meta.resolve('./files/table-peer.ts') },
  { name: 'large table, afterwork', sample: 'large-table.csv', module: table },
  { name: 'PDF, afterwork', sample: 'manual.pdf', module: import.meta.resolve('./files/pdf.ts') },
  { name: 'PDF, pdf.js', sample: 'manual.pdf', module: import.meta.resolve('./files/pdf-peer.ts') },
  { name: 'sha-256, afterwork', sample: 'bytes.bin', module: import.meta.resolve('./files/digest.ts') },
  { name: 'sha-256, openssl', sample: 'bytes.bin', module: import.meta.resolve('./files/digest-openssl.ts') },
]

/** What reading files costs, against the libraries alone. */
export const files: Benchmark<FilesSize, FilesMeasure> = {
  name: 'files',
  description:
    'what processFile() does with a photo of 12 megapixels, tables, a PDF and plain bytes, against sharp making the same thumbnails, csv-parse with the same statistics, pdf.js alone and openssl dgst',
  systems: readers,
  columns: [
    { measure: 'CPU', unit: 's', digits: 3 },
    { measure: 'wall', unit: 's', digits: 3 },
    { measure: 'peak', unit: 'MB' },
  ],
  sizes: {
    full: { table: 50e6, 'large table': 2e9, bytes: 1e9, pages: 300, warmUp: 1, times: 3 },
    quick: { table: 3e6, 'large table': 20e6, bytes: 50e6, pages: 100, warmUp: 1, times: 1 },
  },

  async prepare({ size, folder }) {
    await writePhoto(join(folder, 'photo.jpg'))
    await writeTable(join(folder, 'table.csv'), size.table)
    await writeTable(join(folder, 'large-table.csv'), size['large table'])
    await writePdf(join(folder, 'manual.pdf'), size.pages)
    await writeBytes(join(folder, 'bytes.bin'), size.bytes)
    await syncFolder(folder)
  },

  async measure({ system: { name }, size, folder, prepared, start }) {
    const { sample } = readers.find((reader) => reader.name === name)!
    // What is made of it goes beside it, where the next trial must not find it.
    const path = join(folder, sample)
    await link(join(prepared, sample), path)
    const system = await start()
    const work = (times: number): Promise<FileCost> =>
      system.ask<FileCost>('work', { path, times } satisfies FileParameters)
    const isLarge = sample === 'large-table.csv'
    if (!isLarge) await work(size.warmUp)
    const { cpu, wall, peak } = await work(isLarge ? 1 : size.times)
    return { CPU: cpu, wall, peak: peak === null ? NaN : peak / 1e6 }
  },

  ratios: (of) => ({
    'photo, afterwork / sharp, CPU': of('photo, afterwork', 'CPU') / of('photo, sharp', 'CPU'),
    'table, csv-parse / afterwork, CPU': of('table, csv-parse', 'CPU') / of('table, afterwork', 'CPU'),
    'PDF, afterwork / pdf.js, CPU': of('PDF, afterwork', 'CPU') / of('PDF, pdf.js', 'CPU'),
    'sha-256, afterwork / openssl, CPU': of('sha-256, afterwork', 'CPU') / of('sha-256, openssl', 'CPU'),
    'sha-256, afterwork / openssl, wall': of('sha-256, afterwork', 'wall') / of('sha-256, openssl', 'wall'),
    'large table, peak, MB': of('large table, afterwork', 'peak'),
  }),
  floors: {
    'photo, afterwork / sharp, CPU': { atMost: 1.15 },
    'table, csv-parse / afterwork, CPU': { atLeast: 2 },
    'PDF, afterwork / pdf.js, CPU': { atMost: 1.1 },
    'sha-256, afterwork / openssl, CPU': { atMost: 1.1 },
    'sha-256, afterwork / openssl, wall': { atMost: 1.1 },
    'large table, peak, MB': { atMost: 300 },
  },
}
