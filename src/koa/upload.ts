import multer, { type MulterFile } from '@koa/multer'
import type { Context, DefaultState, Middleware } from 'koa'
import { AfterworkError, badOption } from '../core/errors.ts'
import { checkKeys, integer } from '../core/check.ts'
import type { StoredFile } from '../core/stored-file.ts'
import { storedName, storedType } from '../files/name.ts'
import type { FileStore } from '../files/store.ts'
import { multipartProblem } from './multipart-problem.ts'
import { Problem } from './problem.ts'
import { uploadStorage } from './upload-storage.ts'

/** Options of upload(). */
export interface UploadOptions {
  /** Whose store takes the files; its middleware must come before. */
  afterwork: { readonly files: FileStore }
  /** Bytes of one file at most. Default 200 MB. */
  maxFileSize?: number
  /** Files of one request at most. Default 10. */
  maxFiles?: number
}

/** Middleware for one field of a multipart body. */
export interface Upload {
  /** Exactly one file, as `ctx.file`. */
  single(field: string): Middleware<DefaultState, { file: StoredFile }>
  /** One file or more, as `ctx.files`. */
  array(field: string): Middleware<DefaultState, { files: StoredFile[] }>
}

/** What a multipart body may hold beside its files. */
export const fieldLimits = {
  fieldNameSize: 100,
  fieldSize: 64 * 1024,
  fields: 20,
  headerPairs: 50,
  fieldNestingDepth: 1,
  fieldArrayIndexLimit: 100,
}
/** Room for boundaries, headers and fields in a body's Content-Length. */
const overhead = 2 * 1024 ** 2

/**
 * Stores uploaded files, on disk before the handler runs, under names of our own. A file stays as long as a task
 * needs it; one that no task of its request names is removed when the response has closed.
 * A body that is no multipart form, malformed, cut or too large is a 4xx with a stable code, and leaves no file.
 * @throws AFTERWORK_BAD_OPTION, or the system's error when the folder cannot be written to
 * @example
 * router.post('/upload-file', upload({ afterwork }).single('file'), (ctx) => {
 *   ctx.background.addTask(tasks.files.processFile, ctx.file)
 *   ctx.status = 202
 * })
 */
export function upload(given: UploadOptions): Upload {
  const options = checkKeys(
    given,
    ['afterwork', 'maxFileSize', 'maxFiles'],
    'upload()',
  ) as unknown as UploadOptions
  const files = (options.afterwork as UploadOptions['afterwork'] | undefined)?.files
  if (files === undefined)
    throw badOption('upload().afterwork', 'what createAfterwork() returned', options.afterwork)
  const count = integer(1, Number.MAX_SAFE_INTEGER)
  const fileSize = count(options.maxFileSize ?? 200 * 1024 ** 2, 'upload().maxFileSize')
  const maxFiles = count(options.maxFiles ?? 10, 'upload().maxFiles')
  files.prepare()
  return {
    single: (field) =>
      receive(files, field, fileSize, 1, (ctx, [file]) => (ctx['file'] = file)) as ReturnType<
        Upload['single']
      >,
    array: (field) =>
      receive(files, field, fileSize, maxFiles, (ctx, stored) => (ctx['files'] = stored)) as ReturnType<
        Upload['array']
      >,
  }
}

function receive(
  files: FileStore,
  field: string,
  fileSize: number,
  maxFiles: number,
  give: (ctx: Context, stored: StoredFile[]) => void,
): Middleware {
  const limits = { ...fieldLimits, fileSize, files: maxFiles, parts: maxFiles + fieldLimits.fields }
  const storage = uploadStorage(files)
  // What a client calls its file is kept as it is, slashes too: no path is ever made of it.
  const parse = multer({ storage, limits, defParamCharset: 'utf8', preservePath: true }).array(
    field,
    maxFiles,
  )

  return async function upload(ctx, next) {
    const background = backgroundOf(ctx)
    checkRequest(ctx, maxFiles * fileSize + overhead)
    await checkFolder(ctx, files)
    checkRoom(ctx, files)
    let received: MulterFile[] = []
    try {
      await parse(ctx, async () => {
        received = (ctx['files'] as MulterFile[] | undefined) ?? []
      })
    } catch (error) {
      throw multipartProblem(error)
    }
    if (received.length === 0)
      throw new Problem(400, 'MISSING_FILE', `Expected a file in the field ${JSON.stringify(field)}`)
    const stored = received.map(toStoredFile)
    background.own(stored)
    await files.sync()
    give(ctx, stored)
    await next()
  }
}

/** Files that nobody owns would stay: that is told before one is stored. */
function backgroundOf(ctx: Context): Context['background'] {
  const background = ctx.background as Context['background'] | undefined
  if (background !== undefined) return background
  throw new AfterworkError(
    'AFTERWORK_NO_REQUEST',
    'upload() was used without afterwork.middleware() before it: add app.use(afterwork.middleware()), outermost',
  )
}

function checkRequest(ctx: Context, maxBody: number): void {
  if (!ctx.is('multipart/form-data')) {
    throw new Problem(
      415,
      'NOT_MULTIPART',
      `Expected a body of type multipart/form-data, got ${ctx.get('Content-Type').slice(0, 100) || 'none'}`,
    )
  }
  if ((ctx.request.length ?? 0) > maxBody) {
    throw new Problem(
      413,
      'FILE_TOO_LARGE',
      `Expected a body of at most ${maxBody} bytes, got one of ${ctx.request.length}`,
      {
        headers: { Connection: 'close' },
      },
    )
  }
}

/** Where nobody would find the files of a body, it is refused before it is read. */
async function checkFolder(ctx: Context, files: FileStore): Promise<void> {
  try {
    await files.check()
  } catch (error) {
    ctx.set('Connection', 'close')
    throw error
  }
}

/** A body that cannot fit is refused before it is read. */
function checkRoom(ctx: Context, files: FileStore): void {
  const least = (ctx.request.length ?? 0) - overhead
  if (least <= files.room) return
  ctx.set('Connection', 'close')
  throw new AfterworkError(
    'AFTERWORK_DISK_FULL',
    `There is room for ${files.room} bytes more, the body has ${ctx.request.length}`,
  )
}

function toStoredFile({ filename, originalname, mimetype, size, path }: MulterFile): StoredFile {
  return { id: filename, name: storedName(originalname), type: storedType(mimetype), size, path }
}
