import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Resolver } from 'node:dns/promises'
import type { Ending } from './endings.ts'

/** What a name server answers to a question for TXT records: these, none such a name, or nothing at all. */
export type TxtAnswer = readonly string[] | 'no such name' | 'nothing'

/** A name server on this machine that knows TXT records only (RFC 1035, 4), and a resolver that asks it. */
export async function startDns(ending: Ending, answer: (name: string) => TxtAnswer): Promise<Resolver> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, end } = nameAt(query, 12)
    const records = answer(name)
    if (records === 'nothing') return
    const question = query.subarray(12, end + 4)
    const found = records === 'no such name' ? [] : records.map(txtRecord)
    const head = Buffer.from(query.subarray(0, 12))
    head.writeUInt16BE(records === 'no such name' ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(found.length, 6)
    head.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([head, question, ...found]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  ending.teardown(() => socket.close())
  const resolver = new Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return resolver
}

function nameAt(query: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

/** A record of strings of at most 255 bytes, for the name of the question. */
function txtRecord(text: string): Buffer {
  const strings = text.match(/.{1,255}/gs) ?? ['']
  const data = Buffer.concat(
    strings.map((part) => Buffer.from(`${String.fromCharCode(part.length)}${part}`, 'latin1')),
  )
  const head = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0])
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
