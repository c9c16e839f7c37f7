import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { steeringOf } from '../../../src/core/task-error.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { startMailbox } from '../../support/smtp.ts'
import { SuppressionList } from '../../../workers/mail/suppression-list.ts'
import { suppressing } from '../../../workers/mail/suppression.ts'
import { toServer } from '../../../workers/mail/transport-server.ts'
import { messageTo, sending } from './message.ts'

async function lists(t: ExecutionContext) {
  const data = await temporaryFolder(t)
  const file = join(data, 'suppressed.jsonl')
  return { file, list: new SuppressionList(data), other: new SuppressionList(data) }
}

const gone = { address: 'gone@example.org', at: '2026-11-21T10:00:00.000Z', reason: '550 5.1.1 No such user' }

test('what one adds is known to all, whatever its case, and stands in the file as one line', async (t) => {
  const { file, list, other } = await lists(t)
  t.is(await other.reason('gone@example.org'), undefined)
  await list.add(gone)
  await list.add(gone)
  t.is(await other.reason('Gone@Example.org'), '550 5.1.1 No such user')
  t.is(await readFile(file, 'utf8'), `${JSON.stringify(gone)}\n`)
  t.is(await new SuppressionList(join(file, '..')).reason('gone@example.org'), '550 5.1.1 No such user')
})

test('a line that is removed is forgotten, one that is added by hand is heeded', async (t) => {
  const { file, list } = await lists(t)
  await list.add(gone)
  await list.add({ ...gone, address: 'other@example.org' })
  await writeFile(`${file}.new`, 'hand@example.org\n')
  await rename(`${file}.new`, file)
  t.is(await list.reason('gone@example.org'), undefined)
  t.is(await list.reason('hand@example.org'), 'by hand')
  await writeFile(file, '')
  t.is(await list.reason('hand@example.org'), undefined)
})

test('a line that a crash cut short harms no other', async (t) => {
  const { file, list, other } = await lists(t)
  await list.add(gone)
  await appendFile(file, '{"address":"half@exam')
  t.is(await list.reason('gone@example.org'), gone.reason)
  await list.add({ ...gone, address: 'next@example.org' })
  t.is(await other.reason('next@example.org'), gone.reason)
  t.is(await other.reason('gone@example.org'), gone.reason)
  await appendFile(file, 'null\n[1]\n{"address":7}\n{"address":\n\n\0\n')
  t.is(await list.reason('next@example.org'), gone.reason)
})

test('a hundred thousand addresses are remembered, and no more', async (t) => {
  const { file, list } = await lists(t)
  const lines = Array.from({ length: 100_050 }, (_, index) => `ü${index}@example.org\n`)
  await writeFile(file, lines.join(''))
  t.is(await list.reason('ü99999@example.org'), 'by hand')
  t.is(await list.reason('ü100000@example.org'), undefined)
  await list.add(gone)
  t.is(await list.reason(gone.address), undefined)
})

test('an address that does not exist is asked for once', async (t) => {
  const { list } = await lists(t)
  const mailbox = await startMailbox(t, {
    refuse: (stage, to) => {
      if (stage !== 'rcpt') return undefined
      return to.startsWith('gone')
        ? '550 5.1.1 No such user'
        : to.startsWith('relay')
          ? '550 5.7.1 No relay'
          : undefined
    },
  })
  const deliver = suppressing(
    list,
    toServer({ url: mailbox.url(), opportunistic: false, ca: undefined, dkim: undefined }),
  )
  await t.throwsAsync(deliver(messageTo('gone@example.org'), sending()), { code: 'EENVELOPE' })
  const error = await t.throwsAsync(deliver(messageTo('gone@example.org'), sending()), {
    code: 'RECIPIENT_SUPPRESSED',
    message: /550 5\.1\.1 No such user/,
  })
  t.is(steeringOf(error).retry, false)
  for (const attempt of [1, 2])
    await t.throwsAsync(deliver(messageTo('relay@example.org'), sending(attempt)), { message: /5\.7\.1/ })
  await deliver(messageTo('mira@example.org'), sending())
  t.deepEqual(mailbox.asked, [
    'gone@example.org',
    'relay@example.org',
    'relay@example.org',
    'mira@example.org',
  ])
})
