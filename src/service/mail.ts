import Router from '@koa/router'
import type { Middleware } from 'koa'
import type { Afterwork } from '../afterwork.ts'
import { mountPrefix } from '../koa/mount-prefix.ts'
import { accepted } from './accepted.ts'
import { formOrJson, invalid } from './body.ts'
import { findAttached } from './mail/attachments.ts'
import { readMail } from './mail/request.ts'
import { templateOf } from './mail/template.ts'
import { refuseSuppressed, type RecipientRules } from './recipients.ts'
import { tasks } from './tasks.ts'

/** What requests for mail are held against. */
export interface MailRules extends RecipientRules {
  /** The folder of templates, which need not exist. */
  templates: string
}

/** POST /send-email: one task a recipient, whose arguments keep the files that are attached. */
export function mailRoutes(afterwork: Afterwork, { allowed, suppressed, templates }: MailRules): Middleware {
  const router = new Router()

  router.post('/send-email', formOrJson(), async (ctx) => {
    const { to, delay, content, attached, template: name } = readMail(ctx.request.body, allowed)
    await refuseSuppressed(to, suppressed)
    const template = name === undefined ? undefined : await templateOf(templates, name)
    if (content.subject === undefined && template?.hasSubject !== true)
      throw invalid('subject', template === undefined ? 'a subject' : 'a subject, as the template has none')
    const attachments = await findAttached(afterwork, attached)
    const message = {
      ...content,
      ...(template === undefined ? {} : { template: template.name }),
      ...(attachments.length === 0 ? {} : { attachments }),
      date: new Date(),
    }
    const task = tasks.mail.sendEmail.with({ ordered: false, delay })
    const added = to.map((address) => ctx.background.addTask(task, { ...message, to: address }))
    accepted(ctx, 'Email queued', added, mountPrefix(ctx, '/send-email'))
  })

  return router.routes() as unknown as Middleware
}
