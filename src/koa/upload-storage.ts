import type { StorageEngine } from '@koa/multer'
import type { FileStore } from '../files/store.ts'

/** Where multer puts files: into the store, each under an id of its own; of one that fails nothing is left. */
export function uploadStorage(files: FileStore): StorageEngine {
  return {
    _handleFile: (_request, { stream }, done) =>
      void tell(done, async () => {
        const id = files.newId()
        const size = await files.receive(id, stream)
        return { filename: id, path: files.pathOf(id), size }
      }),
    _removeFile: (_request, { filename }, done) =>
      void tell(done, async () => {
        try {
          await files.remove([filename])
        } finally {
          files.release(filename)
        }
      }),
  }
}

/** Multer knows callbacks only. */
async function tell<T>(done: (error: unknown, result?: T) => void, work: () => Promise<T>): Promise<void> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    return done(error)
  }
  done(null, result)
}
