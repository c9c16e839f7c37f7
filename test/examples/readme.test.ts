import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import sharp from 'sharp'
import type { TaskDocument } from 'afterwork'
import { defaults } from '../../src/core/options.ts'
import { readConfig } from '../../src/service/config.ts'
import { send } from '../support/http.ts'
import { multipart } from '../support/multipart.ts'
import { run } from './run.ts'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

/** The first cells of a table's rows, as names without their backquotes. */
function names(heading: string, column: number): string[] {
  const section = readme.split(`\n${heading}\n`)[1]!.split(/\n#+ /)[0]!
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows
    .slice(2)
    .flatMap((row) => Array.from(row.split('|')[column]!.matchAll(/`([^`]+)`/g), ([, name]) => name!))
}

test('the program of the README is the one in examples/readme, byte for byte', async (t) => {
  const blocks = Array.from(readme.matchAll(/```ts\n(\/\/ \w+\.ts\n.*?)```/gs), ([, code]) => code)
  const files = ['app.ts', 'tasks.ts', 'photos.ts']
  const contents = files.map((name) => readFile(new URL(`examples/readme/${name}`, root), 'utf8'))
  t.deepEqual(blocks, await Promise.all(contents))
})

test('that program answers 202 and makes the photo small afterwards', async (t) => {
  const app = await run(t, 'readme/app.ts')
  const photo = await sharp({ create: { width: 1200, height: 900, channels: 3, background: '#6d5a86' } })
    .jpeg()
    .toBuffer()
  const form = multipart([{ name: 'photo', content: photo, filename: 'photo.jpg', type: 'image/jpeg' }])
  const answer = await send(app.url, form)
  t.is(answer.status, 202)
  const { id, name } = answer.json as { id: string; name: string }
  t.is(name, 'photos.shrink')

  await app.printed(/task completed/)
  const task = (await send(`${app.url}/tasks/${id}`)).json as TaskDocument
  t.is(task.state, 'succeeded')
  const { thumbnail, width, height, size } = task.result as Record<string, string>
  t.deepEqual([width, height], [640, 480])
  t.is((await stat(thumbnail!)).size, Number(size))
})

test('a file that is no photo gets its 202 too, and its task fails', async (t) => {
  const app = await run(t, 'readme/app.ts')
  const answer = await send(app.url, multipart([{ name: 'photo', content: 'hello', filename: 'a.txt' }]))
  t.is(answer.status, 202)
  t.regex(await app.printed(/task failed/), /unsupported image format\\n {4}at /, 'the stack is in the log')
  const task = (await send(`${app.url}/tasks/${answer.json.id}`)).json as TaskDocument
  t.is(task.state, 'failed')
  t.regex(task.error!.message, /unsupported image format/)
})

test('the README lists every flag and key of the configuration', async (t) => {
  const main = fileURLToPath(new URL('src/cli/main.ts', root))
  const node = ['--conditions=afterwork-source', main, '--help']
  const { stdout: usage } = await promisify(execFile)(process.execPath, node)
  const serve = /^Flags of serve.*\n((?: .*\n)+)/m.exec(usage)![1]!
  const flags = new Set(serve.match(/--[a-z-]+/g))
  t.deepEqual(names('### Configuration', 1).sort(), [...flags].sort())

  const keys = Object.keys(readConfig([], {}, 'no-such.config.json'))
  t.deepEqual(names('### Configuration', 3).sort(), [...keys, 'tokenFile', 'webhookSecretFile'].sort())
})

test('the README promises no option of a task that there is not', (t) => {
  const promised = names('### Options of a task', 1)
  t.true(promised.includes('timeout'))
  for (const name of promised) t.true(name in defaults, name)
})
