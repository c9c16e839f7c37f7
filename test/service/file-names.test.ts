import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import test from 'ava'
import { readConfig } from '../../src/service/config.ts'
import { startService, type Service } from '../../src/service/service.ts'
import { Endings } from '../support/endings.ts'
import { EventLog } from '../support/events.ts'
import { temporaryFolder } from '../support/folder.ts'
import { send, type Sending } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { namesIn } from '../support/service.ts'

const endings = new Endings()
/** All that the service logged, at the level that says most. */
let logged = ''
let data: string
let service: Service
let events: EventLog

test.before(async () => {
  data = await temporaryFolder(endings)
  const args = ['--port', '0', '--data', data, '--drain', '0', '--pool-max', '1']
  const config = readConfig(args, {}, join(data, 'no-such.config.json'))
  const logger = pino({ level: 'trace' }, { write: (line) => void (logged += line) })
  service = await startService(config, logger)
  endings.teardown(() => service.stop())
  events = new EventLog(service.afterwork)
})
test.after.always(() => endings.run())

/** A form whose file has its name as RFC 8187 has it, which multipart forms should not but do. */
function extended(name: string): Sending {
  const form = fileForm('content', 'NAME')
  return { ...form, body: Buffer.from(form.body.toString().replace('filename="NAME"', `filename*=${name}`)) }
}

const taken: [what: string, sending: Sending, stored: string, saved: string][] = [
  ['a path upwards', fileForm('content', '../../etc/passwd'), '../../etc/passwd', '.._.._etc_passwd'],
  ['an absolute path', fileForm('content', '/etc/passwd'), '/etc/passwd', '_etc_passwd'],
  [
    'a path of Windows',
    fileForm('content', '..\\..\\windows\\win.ini'),
    '..\\..\\windows\\win.ini',
    '.._.._windows_win.ini',
  ],
  [
    'line breaks, as browsers write them',
    fileForm('content', 'a%0D%0AX-Evil: 1%22'),
    'a\r\nX-Evil: 1"',
    'a__X-Evil: 1"',
  ],
  ['percent signs', fileForm('content', '50%.pdf%2e%2f'), '50%.pdf%2e%2f', '50%.pdf%2e%2f'],
  ['quotes', fileForm('content', 'a\\"; filename=\\"b.html'), 'a"; filename="b.html', 'a"; filename="b.html'],
  ['a tab', fileForm('content', 'a\tb'), 'a\tb', 'a_b'],
  [
    'an override of direction',
    fileForm('content', 'photo\u202Egpj.exe'),
    'photo\u202Egpj.exe',
    'photo_gpj.exe',
  ],
  ['isolates of direction', fileForm('content', 'a\u2066b\u2069'), 'a\u2066b\u2069', 'a_b_'],
  ['an escape sequence of terminals', fileForm('content', 'a\u009B31mb'), 'a\u009B31mb', 'a_31mb'],
  ['line separators', fileForm('content', 'a\u2028b\u0085'), 'a\u2028b\u0085', 'a_b_'],
  [
    'a NUL and line breaks',
    extended("utf-8''a%00b%0D%0AX-Evil%3A%201"),
    'a\0b\r\nX-Evil: 1',
    'a_b__X-Evil: 1',
  ],
  ['half a character', extended("utf-16le''a%00%00%d8b%00"), 'a\uD800b', 'a_b'],
  ['another alphabet', fileForm('content', 'Ünïcödé 文件.txt'), 'Ünïcödé 文件.txt', 'Ünïcödé 文件.txt'],
  ['letters from right to left', fileForm('content', 'שלום.txt'), 'שלום.txt', 'שלום.txt'],
  ['joined emoji', fileForm('content', '👨‍👩‍👧.png'), '👨‍👩‍👧.png', '👨‍👩‍👧.png'],
  ['4 kB', fileForm('content', 'x'.repeat(4_096)), 'x'.repeat(255), 'x'.repeat(255)],
  ['4 kB of emoji', fileForm('content', '🎉'.repeat(1_000)), '🎉'.repeat(255), '🎉'.repeat(255)],
  ['nothing but dots', fileForm('content', '..'), '..', 'file'],
  ['nothing but a space', fileForm('content', ' '), ' ', 'file'],
]

for (const [what, sending, stored, saved] of taken) {
  test(`a name of ${what} is stored as data, and saved as what is safe`, async (t) => {
    const answer = await send(`${service.url}/upload-file`, sending)
    t.is(answer.status, 202)
    const [{ id, name }] = answer.json.files
    const [task] = answer.json.tasks
    t.is(name, stored)
    t.is(await events.ended(task.id), 'succeeded')
    const { json } = await send(`${service.url}/tasks/${task.id}`)
    t.is(json.arguments[0].name, stored)
    t.is(json.result.name, stored)

    const download = await send(`${service.url}/files/${id}`)
    t.deepEqual([download.status, download.text], [200, 'content'])
    t.is(download.headers['x-evil'], undefined)
    t.is(savedAs(download.headers['content-disposition']!), saved)
    t.is(download.headers['content-type'], 'application/octet-stream')

    const names = await readdir(join(data, 'files'))
    t.true(names.every((each) => /^[0-9a-f-]{36}$/.test(each)))
    t.deepEqual(await namesIn(data), ['files'])
    t.notRegex(logged, /(?!\n)[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u)
  })
}

const refused: [what: string, sending: Sending, code: string][] = [
  ['a NUL as it is', fileForm('content', 'a\0b'), 'MALFORMED_MULTIPART'],
  ['an escape sequence as it is', fileForm('content', 'a\u001B[31m'), 'MALFORMED_MULTIPART'],
  ['a line break as it is', fileForm('content', 'a\r\nX-Evil: 1'), 'MISSING_FILE'],
  ['nothing', fileForm('content', ''), 'MISSING_FILE'],
]

for (const [what, sending, code] of refused) {
  test(`a name of ${what} is refused`, async (t) => {
    const answer = await send(`${service.url}/upload-file`, sending)
    t.deepEqual([answer.status, answer.json.code], [400, code])
    t.is(answer.headers['x-evil'], undefined)
  })
}

test('a media type that a client made up is data, too', async (t) => {
  const long = `text/${'x'.repeat(5_000)}`
  for (const [type, stored] of [
    ['text/html', 'text/html'],
    [long, 'application/octet-stream'],
  ] as const) {
    const { json } = await send(`${service.url}/upload-file`, fileForm('<script>', 'a.html', type))
    const task = await send(`${service.url}/tasks/${json.tasks[0].id}`)
    t.is(task.json.arguments[0].type, stored)
    const { headers } = await send(`${service.url}/files/${json.files[0].id}`)
    t.is(headers['content-type'], 'application/octet-stream')
    t.is(headers['x-content-type-options'], 'nosniff')
    t.is(headers['content-security-policy'], "default-src 'none'; sandbox")
  }
})

/** The name under which a browser saves what came with a Content-Disposition of RFC 6266; throws for any other. */
function savedAs(header: string): string {
  const form =
    /^attachment; filename=(?:([\w.-]+)|"((?:[^"\\]|\\.)*)")(?:; filename\*=UTF-8''([\w%!#$&+.^`|~-]+))?$/
  const [whole, token, quoted, encoded] = form.exec(header) ?? []
  if (whole === undefined) throw new Error(`${header} is no Content-Disposition as it should be`)
  return encoded === undefined ? (token ?? quoted!.replace(/\\(.)/g, '$1')) : decodeURIComponent(encoded)
}
