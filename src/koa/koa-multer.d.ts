/** As much of @koa/multer as the upload preset uses: it brings no types, and those of others type `ctx.file` their way. */
declare module '@koa/multer' {
  import type { IncomingMessage } from 'node:http'
  import type { Middleware } from 'koa'

  export interface MulterFile {
    originalname: string
    mimetype: string
    /** The name on disk. */
    filename: string
    path: string
    size: number
  }

  export interface StorageEngine {
    _handleFile: unknown
    _removeFile: unknown
  }

  interface Limits {
    fieldNameSize?: number
    fieldSize?: number
    fields?: number
    fileSize?: number
    files?: number
    parts?: number
    headerPairs?: number
    fieldNestingDepth?: number
    fieldArrayIndexLimit?: number
  }

  interface Multer {
    array(field: string, most?: number): Middleware
    none(): Middleware
  }

  interface DiskStorageOptions {
    destination: (
      request: IncomingMessage,
      file: MulterFile,
      done: (error: null, folder: string) => void,
    ) => void
    filename: (request: IncomingMessage, file: MulterFile, done: (error: null, name: string) => void) => void
    flush: boolean
  }

  function multer(options: { storage?: StorageEngine; limits?: Limits; defParamCharset?: string }): Multer
  namespace multer {
    function diskStorage(options: DiskStorageOptions): StorageEngine
  }
  export default multer
}
