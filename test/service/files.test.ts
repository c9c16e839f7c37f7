import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskDocument } from 'afterwork'
import test from 'ava'
import sharp from 'sharp'
import { Endings } from '../support/endings.ts'
import { isEmpty, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { fileForm, multipart } from '../support/multipart.ts'
import { serve, type TestService } from '../support/service.ts'

const endings = new Endings()
let service: TestService
test.before(async () => {
  service = await serve(endings)
})
test.after.always(() => endings.run())

/** Uploads one file and gives the ids of it and of its task. */
async function uploadOne(
  content: string | Uint8Array,
  filename?: string,
): Promise<{ file: string; task: string }> {
  const { json } = await send(`${service.url}/upload-file`, fileForm(content, filename))
  return { file: json.files[0].id, task: json.tasks[0].id }
}

test.serial(
  'a photo of 12 megapixels is answered before it is processed, and then has thumbnails',
  async (t) => {
    const { url, events } = service
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
    const photo = await sharp({
      create: { width: 4000, height: 3000, channels: 3, background: 'grey', noise },
    })
      .jpeg()
      .toBuffer()

    const answer = await send(`${url}/upload-file`, fileForm(photo, 'holiday.jpg', 'image/jpeg'))
    t.is(answer.status, 202)
    const [file] = answer.json.files
    const [task] = answer.json.tasks
    t.deepEqual(answer.json, {
      message: 'File uploaded and processing started',
      tasks: [{ id: task.id, name: 'files.processFile', href: `/tasks/${task.id}` }],
      files: [{ id: file.id, name: 'holiday.jpg', size: photo.length }],
    })
    t.is(answer.headers.location, task.href)
    const [added, started] = [events.of('task.added')[0]!, await events.until('task.started')]
    t.true(added.held)
    t.true(started.at >= added.at)

    t.is(await events.ended(task.id), 'succeeded')
    const life = events.life(task.id).filter((event) => event !== 'task.log')
    const order = ['task.added', 'task.released', 'task.started', 'task.progress', 'task.succeeded']
    t.deepEqual([...new Set(life)], order)
    const fractions = events.of('task.progress').map(({ progress }) => progress.fraction)
    t.true(fractions.length >= 2)
    t.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    )
    t.is(fractions.at(-1), 1)

    const ended: TaskDocument = (await send(url + task.href)).json
    t.is(ended.state, 'succeeded')
    const { variants } = ended.result as {
      variants: { name: string; width: number; height: number; size: number }[]
    }
    t.deepEqual(
      variants.map(({ name }) => name),
      ['w160.jpg', 'w160.webp', 'w640.jpg', 'w640.webp', 'w1280.jpg', 'w1280.webp'],
    )
    for (const { name, width, height, size } of variants) {
      const thumbnail = await send(`${url}/files/${file.id}/${name}`)
      t.is(thumbnail.status, 200)
      const format = name.endsWith('.jpg') ? 'jpeg' : 'webp'
      t.is(thumbnail.headers['content-type'], `image/${format}`)
      t.is(thumbnail.headers['x-content-type-options'], 'nosniff')
      t.is(thumbnail.body.length, size)
      t.like(await sharp(thumbnail.body).metadata(), { format, width, height })
    }

    const original = await send(`${url}/files/${file.id}`)
    t.true(original.body.equals(photo))
    t.is(original.headers['content-type'], 'application/octet-stream')
    t.is(original.headers['content-disposition'], 'attachment; filename="holiday.jpg"')
    t.is(original.headers['x-content-type-options'], 'nosniff')
    t.is(original.headers['content-security-policy'], "default-src 'none'; sandbox")
  },
)

test('thumbnails have the widths that the service was started with', async (t) => {
  const narrow = await serve(t, ['--thumbnail-widths', '20,40'])
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const { json } = await send(`${narrow.url}/upload-file`, fileForm(png, 'square.png'))
  t.is(await narrow.events.ended(json.tasks[0].id), 'succeeded')
  const { result }: TaskDocument = (await send(narrow.url + json.tasks[0].href)).json
  t.deepEqual(
    (result as { variants: { name: string }[] }).variants.map(({ name }) => name),
    ['w20.jpg', 'w20.webp', 'w40.jpg', 'w40.webp'],
  )
})

test('several files of one request are several tasks that do not wait for each other', async (t) => {
  const parts = ['one', 'two', 'three'].map((content) => ({
    name: 'file',
    content,
    filename: `${content}.txt`,
  }))
  const answer = await send(`${service.url}/upload-file`, multipart(parts))
  t.is(answer.status, 202)
  const { files, tasks } = answer.json as { files: { id: string; name: string }[]; tasks: { id: string }[] }
  t.deepEqual(
    files.map(({ name }) => name),
    ['one.txt', 'two.txt', 'three.txt'],
  )
  const groups = new Set<string>()
  for (const [index, { id }] of tasks.entries()) {
    t.is(await service.events.ended(id), 'succeeded')
    const record = (await service.afterwork.records.get(id))!
    groups.add(record.group)
    t.is(JSON.parse(record.result!).id, files[index]!.id)
  }
  t.is(groups.size, 3)
})

test('a picture that is broken fails its task, and can still be fetched', async (t) => {
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const broken = png.subarray(0, png.length - 60)
  const { file, task } = await uploadOne(broken, 'broken.png')
  t.is(await service.events.ended(task), 'failed')
  const { error }: TaskDocument = (await send(`${service.url}/tasks/${task}`)).json
  t.is(error?.code, 'BROKEN_IMAGE')
  t.true((await send(`${service.url}/files/${file}`)).body.equals(broken))
})

test('a second fetch with the tag of the first is a 304', async (t) => {
  const { file } = await uploadOne('content')
  const first = await send(`${service.url}/files/${file}`)
  const { etag } = first.headers
  t.is(first.status, 200)
  const second = await send(`${service.url}/files/${file}`, { headers: { 'If-None-Match': etag! } })
  t.deepEqual([second.status, second.body.length, second.headers.etag], [304, 0, etag])
  const other = await send(`${service.url}/files/${file}`, { headers: { 'If-None-Match': '"other"' } })
  t.is(other.status, 200)
})

test('HEAD tells what GET would bring', async (t) => {
  const { file } = await uploadOne('content')
  const { status, headers, body } = await send(`${service.url}/files/${file}`, { method: 'HEAD' })
  t.deepEqual([status, headers['content-length'], body.length], [200, '7', 0])
})

test('files and variants that there are not, or that are none of ours, are a 404', async (t) => {
  const { file } = await uploadOne('content')
  const paths = [
    `/files/01936a3e-0000-7000-8000-000000000000`,
    `/files/nonsense`,
    `/files/${file}x`,
    `/files/..%2f..%2fetc%2fpasswd`,
    `/files/%2e%2e`,
    `/files/${file}/w99.webp`,
    `/files/${file}/..%2f`,
    `/files/${file}/..%2f..%2f..%2fetc%2fpasswd`,
    `/files/${file}/%2fetc%2fpasswd`,
    `/files/${file}/w160.webp%00`,
    `/files/${file}/.`,
    `/files/${file}/`.padEnd(5_000, 'w'),
  ]
  for (const path of paths) {
    const answer = await send(service.url + path)
    t.is(answer.status, 404, path)
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.false(answer.text.includes('root:'))
  }
  t.like((await send(`${service.url}/files/nonsense`)).json, { code: 'FILE_NOT_FOUND' })
})

test('a request whose tasks are refused because the queue is full leaves no file', async (t) => {
  const full = await serve(t, ['--max-queued', '1'])
  const parts = ['one', 'two'].map((content) => ({ name: 'file', content, filename: content }))
  const answer = await send(`${full.url}/upload-file`, multipart(parts))
  t.is(answer.status, 503)
  t.is(answer.headers['retry-after'], '1')
  t.like(answer.json, { code: 'AFTERWORK_QUEUE_FULL' })
  t.deepEqual(await untilFolder(join(full.data, 'files'), isEmpty), [])
  t.deepEqual((await send(`${full.url}/tasks`)).json, { tasks: [], next: null })
})

test('an original on disk is what was sent, byte by byte', async (t) => {
  const content = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256)
  const { file } = await uploadOne(content, 'bytes.bin')
  t.true((await readFile(join(service.data, 'files', file))).equals(content))
})
