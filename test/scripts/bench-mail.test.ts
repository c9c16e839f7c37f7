import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import type { AnyBenchmark } from '../../scripts/bench/harness/benchmark.ts'
import { benchCommand } from '../../scripts/bench/harness/command.ts'
import { startSystem, type RunningSystem } from '../../scripts/bench/harness/system.ts'
import { mail } from '../../scripts/bench/mail.ts'
import type { Taken } from '../../scripts/bench/mail/protocol.ts'

/** A report may lack it; it has no loop, and does not sign. */
const mayLack = /smtplib/

const size = { mails: { files: 4, text: 20, 'text at 20 ms': 10 }, warmUp: 0.5, bytes: 50_000 }
const small: AnyBenchmark = { ...mail, sizes: { full: size, quick: size } }

test.serial('mail measures its systems and gives every ratio that has a floor', async (t) => {
  const out: string[] = []
  const err: string[] = []
  const output = { log: (line: string) => void out.push(line), error: (line: string) => void err.push(line) }
  const code = await benchCommand(['mail', '--quick', '--rounds', '1', '--json'], [small], output)
  t.is(code, 0, err.join('\n'))

  const { rows, ratios } = JSON.parse(out.at(-1)!)
  t.deepEqual(
    rows.map(({ system }: { system: string }) => system),
    mail.systems.map(({ name }) => name),
  )
  for (const row of rows) {
    if (row.absent !== undefined) t.regex(row.system, mayLack)
    else
      for (const { measure } of mail.columns)
        t.true(row[measure] >= 0 || mayLack.test(row.system), row.system)
  }
  for (const ratio of Object.keys(mail.floors)) t.is(typeof ratios[ratio], 'number', ratio)
})

/** A conversation with a sink of its own. */
interface Conversation {
  sink: RunningSystem
  socket: Socket
  /** The beginning of the next reply. */
  reply: () => Promise<string>
}

async function converse(t: ExecutionContext, latency: number): Promise<Conversation> {
  const module = import.meta.resolve('../../scripts/bench/mail/sink.ts')
  const sink = await startSystem({ name: 'sink', module }, { latency })
  t.teardown(() => sink.stop())
  const socket = connect(Number(new URL(sink.url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  await once(socket, 'connect')
  const reply = async (): Promise<string> => String((await lines.next()).value).slice(0, 3)
  return { sink, socket, reply }
}

async function sendInPieces({ socket, reply }: Conversation, text: string, length: number): Promise<string> {
  socket.write('DATA\r\n')
  if ((await reply()) !== '354') return 'refused'
  for (let at = 0; at < text.length; at += length) {
    socket.write(text.slice(at, at + length))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return reply()
}

test('the sink finds the end of a message in whatever pieces it comes', async (t) => {
  const conversation = await converse(t, 0)
  t.is(await conversation.reply(), '220')
  const message = 'Subject: a\r\n\r\n..\r\n.. \r\n\r\n.\r\n'
  for (const length of [1, 2, 3, 4, 5, 100]) t.is(await sendInPieces(conversation, message, length), '250')
  t.is(await sendInPieces(conversation, '.\r\n', 1), '250')

  const taken = await conversation.sink.ask<Taken>('untilTaken', { mails: 7 })
  t.deepEqual(taken, { mails: 7, signed: 0, bytes: 6 * message.length + 3 })
})

test('the sink counts signed messages, obeys commands that come together, and says goodbye', async (t) => {
  const conversation = await converse(t, 1)
  const { sink, socket, reply } = conversation
  t.is(await reply(), '220')
  t.is(await sendInPieces(conversation, 'DKIM-Signature: v=1\r\nSubject: a\r\n\r\nb\r\n.\r\n', 3), '250')
  socket.write(
    'MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\nSubject: DKIM-Signature:\r\n.\r\nQUIT\r\n',
  )
  const replies: string[] = []
  for (let count = 0; count < 5; count++) replies.push(await reply())
  t.deepEqual(replies, ['250', '250', '354', '250', '221'])
  const { mails, signed } = await sink.ask<Taken>('untilTaken', { mails: 2 })
  t.deepEqual({ mails, signed }, { mails: 2, signed: 1 })
})
