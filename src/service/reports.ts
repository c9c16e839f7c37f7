import Router from '@koa/router'
import type { Middleware } from 'koa'
import type { Afterwork } from '../afterwork.ts'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { accepted } from './accepted.ts'
import { fieldsOf, formOrJson, invalid, subjectOf } from './body.ts'
import { recipientsOf, refuseSuppressed, type RecipientRules } from './recipients.ts'
import { storedFile } from './stored-file.ts'
import { tasks } from './tasks.ts'

const known = ['file', 'to', 'subject']

/** What a request may decide of a report. */
interface ReportRequest {
  file: string
  /** None: the report is not mailed. */
  to: string[]
  subject?: string
}

/** POST /reports: summarises a stored table, and mails it to whom the rules admit. */
export function reportRoutes(afterwork: Afterwork, { allowed, suppressed }: RecipientRules): Middleware {
  const router = new Router()

  router.post('/reports', formOrJson(), async (ctx) => {
    const { file: id, ...mailing } = readReport(ctx.request.body, allowed)
    await refuseSuppressed(mailing.to, suppressed)
    const file = await storedFile(afterwork, id)
    const task = tasks.reports.summarise.with({ ordered: false })
    const added = ctx.background.addTask(task, file, { ...mailing, date: new Date() })
    accepted(ctx, 'Report started', [added], mountPrefix(ctx, '/reports'))
  })

  return router.routes() as unknown as Middleware
}

function readReport(body: unknown, allowed: readonly string[] | null): ReportRequest {
  const { file, to, subject } = fieldsOf(body, known)
  if (typeof file !== 'string' || file === '') throw invalid('file', 'the id of a file that was uploaded')
  if (to === undefined && subject !== undefined) throw invalid('subject', 'one only together with to')
  return {
    file,
    to: to === undefined ? [] : recipientsOf(to, allowed),
    ...(subject === undefined ? {} : { subject: subjectOf(subject) }),
  }
}
