/** As much of @koa/multer as the upload preset uses: it brings no types, and those of others type `ctx.file` their way. */
declare module '@koa/multer' {
  import type { IncomingMessage } from 'node:http'
  import type { Readable } from 'node:stream'
  import type { Middleware } from 'koa'

  export interface MulterFile {
    originalname: string
    mimetype: string
    /** The name on disk. */
    filename: string
    path: string
    size: number
  }

  /** A file that is about to be stored. */
  export interface IncomingFile {
    stream: Readable
  }

  export interface StorageEngine {
    _handleFile(
      request: IncomingMessage,
      file: IncomingFile,
      done: (error: unknown, stored?: Pick<MulterFile, 'filename' | 'path' | 'size'>) => void,
    ): void
    _removeFile(request: IncomingMessage, file: MulterFile, done: (error: unknown) => void): void
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

  interface MulterOptions {
    storage?: StorageEngine
    limits?: Limits
    defParamCharset?: string
    preservePath?: boolean
  }

  export default function multer(options: MulterOptions): Multer
}
