import { resolve } from 'node:path'
import { dkimOf } from './config-mail.ts'
import type { Config } from './config.ts'

/** What only the threads that send mail are told, and of the configuration alone. */
const mailOnly =
  'SMTP_URL SMTP_TLS SMTP_CA MAIL_FROM MAIL_REDIRECT MAIL_SUPPRESS DKIM_KEY_FILE DKIM_DOMAIN DKIM_SELECTOR'.split(
    ' ',
  )

/** An environment without what only the threads that send mail are told. */
export function withoutMail(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !mailOnly.includes(name)))
}

/** What the threads that send mail are told of the configuration (workers/mail/transport.ts). */
export function mailEnvironment(config: Config): NodeJS.ProcessEnv {
  const dkim = dkimOf(config)
  const { smtpUrl, smtpCa, smtpTls, mailFrom, mailRedirect, mailSuppress } = config
  return {
    MAIL_FROM: mailFrom,
    MAIL_SUPPRESS: mailSuppress ? 'on' : 'off',
    SMTP_TLS: smtpTls,
    ...(smtpUrl !== null && { SMTP_URL: smtpUrl }),
    ...(smtpCa !== null && { SMTP_CA: resolve(smtpCa) }),
    ...(mailRedirect !== null && { MAIL_REDIRECT: mailRedirect }),
    ...(dkim && {
      DKIM_KEY_FILE: resolve(dkim.keyFile),
      DKIM_SELECTOR: dkim.selector,
      DKIM_DOMAIN: dkim.domain,
    }),
  }
}
