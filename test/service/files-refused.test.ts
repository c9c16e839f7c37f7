import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import sharp from 'sharp'
import { Endings } from '../support/endings.ts'
import { isEmpty, untilFolder } from '../support/folder.ts'
import { send, sendRaw, type Sending } from '../support/http.ts'
import { boundary, fileForm, multipart, type Part } from '../support/multipart.ts'
import { namesIn, serve, type TestService } from '../support/service.ts'

const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings, ['--max-upload', '64KB'])
})
test.after.always(() => endings.run())

test('with --max-disk uploads past it are a 507, thumbnails counted, until the sweep makes room', async (t) => {
  const bounded = await serve(t, ['--max-disk', '1MB'])
  const photo = await sharp({ create: { width: 900, height: 900, channels: 3, background: 'red', noise } })
    .jpeg({ quality: 20 })
    .toBuffer()
  const { json } = await send(`${bounded.url}/upload-file`, fileForm(photo, 'a.jpg'))
  t.is(await bounded.events.ended(json.tasks[0].id), 'succeeded')
  const [entry] = await bounded.afterwork.files.list()
  t.true(entry!.names.length > 1)
  t.true(entry!.bytes > photo.length)
  const room = 1024 ** 2 - entry!.bytes
  t.is(bounded.afterwork.files.room, room)
  const refused = await send(`${bounded.url}/upload-file`, fileForm(Buffer.alloc(room + 1)))
  t.like(refused, { status: 507, json: { status: 507, code: 'AFTERWORK_DISK_FULL' } })
  t.is(refused.headers['content-type'], 'application/problem+json')
  t.deepEqual((await readdir(join(bounded.data, 'files'))).toSorted(), entry!.names.toSorted())
  await send(`${bounded.url}/tasks/${json.tasks[0].id}`, { method: 'DELETE' })
  await untilFolder(join(bounded.data, 'files'), isEmpty)
  t.is((await send(`${bounded.url}/upload-file`, fileForm(Buffer.alloc(1024 ** 2)))).status, 202)
})

const type = `multipart/form-data; boundary=${boundary}`
const file = { name: 'file', content: 'content', filename: 'a.txt' }
const large = Buffer.alloc(65 * 1024, 'x')

/** The same part many times. */
function many(count: number, part: Part): Part[] {
  return Array.from({ length: count }, () => part)
}

/** A form without its last bytes, with a Content-Length that is right for what is sent. */
function cut(bytes: number): Sending {
  const whole = fileForm('content')
  return { ...whole, body: whole.body.subarray(0, whole.body.length - bytes) }
}

/** A form in chunks, so that nobody knows its length beforehand. */
function chunked({ body, ...form }: ReturnType<typeof fileForm>): Sending {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; at += 8_192) chunks.push(body.subarray(at, at + 8_192))
  return { ...form, body: chunks }
}

function bodyOf(body: string, contentType?: string): Sending {
  return { method: 'POST', body, headers: contentType === undefined ? {} : { 'Content-Type': contentType } }
}

const refused: [what: string, status: number, code: string, sending: Sending][] = [
  ['without a Content-Type', 415, 'NOT_MULTIPART', bodyOf('content')],
  ['that is JSON', 415, 'NOT_MULTIPART', bodyOf('{}', 'application/json')],
  ['that is an urlencoded form', 415, 'NOT_MULTIPART', bodyOf('file=x', 'application/x-www-form-urlencoded')],
  ['without a boundary', 400, 'MALFORMED_MULTIPART', bodyOf('content', 'multipart/form-data')],
  ['with an empty boundary', 400, 'MISSING_FILE', bodyOf('content', 'multipart/form-data; boundary=')],
  ['of garbage', 400, 'MALFORMED_MULTIPART', bodyOf('\x00\x01\x02 garbage', type)],
  [
    'with another boundary than it says',
    400,
    'MALFORMED_MULTIPART',
    bodyOf(fileForm('x').body.toString(), 'multipart/form-data; boundary=other'),
  ],
  ['cut in its file', 400, 'MALFORMED_MULTIPART', cut(boundary.length + 10)],
  ['cut in its last boundary', 400, 'MALFORMED_MULTIPART', cut(6)],
  [
    'with a part without a name',
    400,
    'BAD_FIELD_NAME',
    bodyOf(`--${boundary}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--${boundary}--\r\n`, type),
  ],
  ['without a file', 400, 'MISSING_FILE', multipart([{ name: 'file', content: 'a field' }])],
  ['without any part', 400, 'MISSING_FILE', bodyOf(`--${boundary}--\r\n`, type)],
  ['with its file in another field', 400, 'UNEXPECTED_FILE', multipart([{ ...file, name: 'upload' }])],
  [
    'with a good file and one in another field',
    400,
    'UNEXPECTED_FILE',
    multipart([file, { ...file, name: 'upload' }]),
  ],
  ['with eleven files', 413, 'TOO_MANY_FILES', multipart(many(11, file))],
  [
    'with a file and too many fields',
    413,
    'TOO_MANY_FIELDS',
    multipart([file, ...many(21, { name: 'a', content: 'b' })]),
  ],
  [
    'with a field that is too large',
    413,
    'FIELD_TOO_LARGE',
    multipart([file, { name: 'a', content: 'x'.repeat(65 * 1024) }]),
  ],
  [
    'with a field name that is too long',
    400,
    'FIELD_NAME_TOO_LONG',
    multipart([file, { name: 'a'.repeat(200), content: 'b' }]),
  ],
  [
    'with a field name that reaches for the prototype',
    400,
    'BAD_FIELD_NAME',
    multipart([file, { name: '__proto__[x][y]', content: 'b' }]),
  ],
  ['with a file that is too large', 413, 'FILE_TOO_LARGE', fileForm(large)],
  ['with a file that is too large, sent in chunks', 413, 'FILE_TOO_LARGE', chunked(fileForm(large))],
  [
    'with a good file and one that is too large',
    413,
    'FILE_TOO_LARGE',
    multipart([file, { ...file, content: large }]),
  ],
]

for (const [what, status, code, sending] of refused) {
  test(`a body ${what} is a ${status} ${code} and leaves no file`, async (t) => {
    const answer = await send(`${service.url}/upload-file`, sending)
    t.is(answer.status, status, answer.text)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.like(answer.json, { status, code })
    t.is(typeof answer.json.detail, 'string')
    t.notRegex(answer.text, /at \w+.*:\d+:\d+|node_modules|\/tmp\//)
    await untilFolder(join(service.data, 'files'), isEmpty)
  })
}

test('a body that is too large by its own Content-Length is refused before it is sent', async (t) => {
  const head = [
    'POST /upload-file HTTP/1.1',
    'Host: localhost',
    `Content-Type: ${type}`,
    'Content-Length: 99999999999',
    '',
    '',
  ]
  const answer = await sendRaw(service.url, head.join('\r\n'))
  t.regex(answer, /^HTTP\/1\.1 413 /)
  t.regex(answer, /"code":"FILE_TOO_LARGE"/)
  t.regex(answer, /connection: close/i)
})

test('a client that goes away in the middle of its file leaves none', async (t) => {
  const folder = join(service.data, 'files')
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /upload-file HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 50000\r\n\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'x'.repeat(20_000)}`,
  )
  await untilFolder(folder, (names) => names.length > 0)
  socket.destroy()
  await once(socket, 'close')
  t.deepEqual(await untilFolder(folder, isEmpty), [])
})

test.after('none of them added a task or left a file', async (t) => {
  t.deepEqual((await send(`${service.url}/tasks`)).json, { tasks: [], next: null })
  t.deepEqual(await readdir(join(service.data, 'files')), [])
  t.deepEqual(await namesIn(service.data), ['files'])
})
