import { readFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import { addConcurrently, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { costOf, watchLoop } from './cost.ts'
import { letter, nextRecipient } from './letter.ts'
import { signer, type MailOptions, type SendCost, type SendParameters } from './protocol.ts'

/** nodemailer's pool of connections on the main loop, as its documents have it; what it has not sent a crash forgets. */
export async function start(options: MailOptions): Promise<StartedSystem> {
  const { port, attachments, keyFile, concurrency } = options
  const transport = createTransport({
    pool: true,
    maxConnections: concurrency,
    host: '127.0.0.1',
    port,
    ...(keyFile !== null && {
      dkim: {
        domainName: signer.domain,
        keySelector: signer.selector,
        privateKey: readFileSync(keyFile, 'utf8'),
      },
    }),
  })
  const delay = watchLoop()

  const files = attachments.map(({ name, type, path }) => ({ filename: name, contentType: type, path }))
  function add(): Promise<unknown> {
    return transport.sendMail({ ...letter, to: nextRecipient(), date: new Date(), attachments: files })
  }
  function send({ mails }: SendParameters): Promise<SendCost> {
    // A connection that is free then always has a message that waits.
    return costOf(delay, () => addConcurrently(2 * concurrency, times(mails), add))
  }
  return { answers: { send } }
}
