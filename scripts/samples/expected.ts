import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { processFile, type ProcessedFile } from '../../workers/files.ts'

/** What processFile() says of a sample, as JSON; of a refusal the code and its sentence. */
export async function documentOf(path: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'afterwork-samples-'))
  try {
    const stored = join(folder, 'sample')
    await copyFile(path, stored)
    const { size } = await stat(stored)
    const file = { id: 'sample', name: basename(path), type: 'application/octet-stream', size, path: stored }
    const result = await processFile(file, { widths: [32, 160] })
    return JSON.parse(JSON.stringify(portable(result)))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { error: code, message }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Encoders of images give other bytes on other processors: their variants are told without sizes. */
function portable(result: ProcessedFile): unknown {
  const variants = result.variants.map(({ size, ...variant }) =>
    variant.width === undefined ? { ...variant, size } : variant,
  )
  return { ...result, variants }
}
