import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Afterwork } from '../afterwork.ts'
import type { StoredFile } from '../core/stored-file.ts'
import { downloadName } from '../files/name.ts'
import { Problem } from '../koa/problem.ts'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { upload } from '../koa/upload.ts'
import { accepted } from './accepted.ts'
import { tasks } from './tasks.ts'

/** POST /upload-file, and GET /files/:id and /files/:id/:variant. */
export function fileRoutes(
  afterwork: Afterwork,
  maxFileSize: number,
  thumbnailWidths: readonly number[],
): Middleware {
  const router = new Router()
  const { files, records } = afterwork

  router.post('/upload-file', upload({ afterwork, maxFileSize }).array('file'), (ctx) => {
    const stored = ctx.files as StoredFile[]
    const added = stored.map((file) =>
      ctx.background.addTask(tasks.files.processFile.with({ ordered: false }), file, {
        widths: thumbnailWidths,
      }),
    )
    accepted(ctx, 'File uploaded and processing started', added, mountPrefix(ctx, '/upload-file'))
    ctx.body = { ...(ctx.body as object), files: stored.map(({ id, name, size }) => ({ id, name, size })) }
  })

  router.get(['/files/:id', '/files/:id/:variant'], async (ctx) => {
    const { id, variant } = ctx['params'] as { id: string; variant?: string }
    const usage = await records.file(id)
    const opened = usage && (await files.open(id, variant))
    if (opened === undefined) throw new Problem(404, 'FILE_NOT_FOUND', 'There is no such file')
    send(ctx, usage!.file, variant, opened.writtenAt)
    if (ctx.fresh) {
      opened.stream.destroy()
      ctx.status = 304
      return
    }
    ctx.length = opened.size
    ctx.body = opened.stream
  })

  return router.routes() as unknown as Middleware
}

/** The original goes out as an attachment of an unknown kind, whatever it claims to be; variants are what we made. */
function send(ctx: Context, file: StoredFile, variant: string | undefined, writtenAt: number): void {
  if (variant === undefined) {
    ctx.attachment(downloadName(file.name))
    ctx.type = 'application/octet-stream'
  } else {
    ctx.type = variant.split('.').at(-1)!
  }
  ctx.status = 200
  // A report brings its style along; nothing else of it may load or run, should its text ever break out.
  const style = ctx.type === 'text/html' ? " style-src 'unsafe-inline';" : ''
  ctx.set('Content-Security-Policy', `default-src 'none';${style} sandbox`)
  ctx.set('Cache-Control', 'private, no-cache')
  ctx.etag = variant === undefined ? file.id : `${file.id}.${variant}.${Math.round(writtenAt)}`
}
