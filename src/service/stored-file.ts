import type { Afterwork } from '../afterwork.ts'
import type { StoredFile } from '../core/stored-file.ts'
import { Problem } from '../koa/problem.ts'

/** A file whose upload a task knows and that is still on disk; throws FILE_NOT_FOUND with the id. */
export async function storedFile({ files, records }: Afterwork, id: string): Promise<StoredFile> {
  const usage = await records.file(id)
  const opened = usage && (await files.open(id))
  if (opened === undefined)
    throw new Problem(404, 'FILE_NOT_FOUND', `There is no file ${JSON.stringify(id.slice(0, 100))}`)
  opened.stream.destroy()
  return usage!.file
}
