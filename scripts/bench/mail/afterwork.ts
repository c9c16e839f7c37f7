import { join } from 'node:path'
import { createAfterwork } from 'afterwork'
import { tasks } from '../../../src/service/tasks.ts'
import { addConcurrently, times } from '../harness/adders.ts'
import type { StartedSystem } from '../harness/system-module.ts'
import { unbounded } from '../queue/engine.ts'
import { queueUrl } from '../queue/url.ts'
import { Endings } from '../work/endings.ts'
import { costOf, watchLoop } from './cost.ts'
import { letter, nextRecipient } from './letter.ts'
import { signer, type MailOptions, type SendCost, type SendParameters } from './protocol.ts'

/** As many as requests may add at a time. */
const adders = 64

/** The runtime with the tasks of the service: messages are added, kept in the queue, and sent by the pool `mail`. */
export async function start(options: MailOptions): Promise<StartedSystem> {
  const { folder, attachments, threads, concurrency } = options
  const afterwork = createAfterwork({
    tasks,
    queue: queueUrl(folder),
    files: join(folder, 'files'),
    pools: {
      cpu: { minThreads: 0 },
      mail: { minThreads: threads, maxThreads: threads, concurrency, env: environment(options) },
      http: { minThreads: 0 },
    },
    logger: false,
    ...unbounded,
  })
  const endings = new Endings()
  let fail = (_reason: Error): void => {}
  afterwork.on('task.succeeded', () => endings.ended())
  afterwork.on('task.retried', ({ failure }) => fail(new Error(failure.message)))
  afterwork.on('task.failed', ({ failure }) => fail(new Error(failure.message)))
  afterwork.on('afterwork.error', ({ error, during }) => fail(new Error(`${during}: ${error.message}`)))
  await afterwork.start()
  const delay = watchLoop()

  const attached = attachments.map((file) => ({ file, name: file.name, type: file.type }))
  const task = tasks.mail.sendEmail.with({ ordered: false })
  function add(): Promise<unknown> {
    const { subject, text } = letter
    const files = attached.length === 0 ? {} : { attachments: attached }
    return afterwork.addTask(task, { to: nextRecipient(), subject, text, date: new Date(), ...files })
  }
  function send({ mails }: SendParameters): Promise<SendCost> {
    const failed = new Promise<never>((_, reject) => (fail = reject))
    const ended = endings.next(mails)
    return costOf(delay, async () => {
      await addConcurrently(adders, times(mails), add)
      await Promise.race([ended, failed])
    })
  }
  return { answers: { send } }
}

/** What the service tells its mail threads. */
function environment({ port, folder, keyFile }: MailOptions): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AFTERWORK_DATA: folder,
    MAIL_FROM: letter.from,
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    ...(keyFile !== null && {
      DKIM_KEY_FILE: keyFile,
      DKIM_DOMAIN: signer.domain,
      DKIM_SELECTOR: signer.selector,
    }),
  }
}
