import { join } from 'node:path'
import { TaskError } from 'afterwork/worker'
import { signing } from './dkim.ts'
import type { Composed } from './compose.ts'
import { redirecting } from './redirect.ts'
import { suppressing } from './suppression.ts'
import { SuppressionList } from './suppression-list.ts'
import { toOutbox } from './transport-outbox.ts'
import { toServer } from './transport-server.ts'

/** What became of a message. */
export interface Sent {
  /** Where it went: with MAIL_REDIRECT not to whom it was for. */
  to: string
  messageId: string
  /** What the server answered, or which file of the outbox folder the message is. */
  response: string
  /** Host and port of the server; none for the outbox folder. */
  server?: string
}

/** The attempt that sends a message. */
export interface Sending {
  /** Aborted before the whole message is on its way, nothing is sent; after that the server's answer is awaited. */
  signal: AbortSignal
  /** 1 for the first. */
  attempt: number
}

/** Takes a message away; throws what the task should fail with. */
export type Deliver = (message: Composed, sending: Sending) => Promise<Sent>

let delivering: Deliver | undefined

/**
 * Sends a message as the environment of the thread says (docs/mail.md): through the server of SMTP_URL, or without one
 * into the outbox folder; signed with DKIM_KEY_FILE; to MAIL_REDIRECT where there is one. All mail of a thread shares one
 * transport, which is made for the first.
 * @throws TaskError with the server's reply, which is not retried, or pauses the pool, as the reply says; with the code
 *   ECONFIG, and the pool paused, for an environment in which nothing can be sent; the signal's reason
 */
export const deliver: Deliver = async (message, sending) => {
  delivering ??= transport(process.env)
  return delivering(message, sending)
}

function transport(env: NodeJS.ProcessEnv): Deliver {
  const { SMTP_URL: url, SMTP_TLS, SMTP_CA: ca, MAIL_REDIRECT: redirect, AFTERWORK_DATA: data = 'data' } = env
  try {
    const dkim = signing(env)
    const deliver =
      url === undefined
        ? toOutbox({ folder: join(data, 'outbox'), dkim })
        : toServer({ url, opportunistic: SMTP_TLS === 'opportunistic', ca, dkim })
    // A refusal would be that of the one address, and says nothing of whom the mail was for.
    if (redirect !== undefined) return redirecting(redirect, deliver)
    return env['MAIL_SUPPRESS'] === 'off' ? deliver : suppressing(new SuppressionList(data), deliver)
  } catch (cause) {
    throw new TaskError((cause as Error).message, { pausePool: true, code: 'ECONFIG', cause })
  }
}
