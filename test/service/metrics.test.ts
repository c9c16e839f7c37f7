import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Exposition } from '../support/exposition.ts'
import { temporaryFolder } from '../support/folder.ts'
import { post, send } from '../support/http.ts'
import { serve } from '../support/service.ts'

test('GET /metrics shows what the tasks of requests did, how much waits, and the process', async (t) => {
  const service = await serve(t)
  const { json } = await post(`${service.url}/send-notification/a@example.org?q=x&message=hello`, {})
  for (const { id } of json.tasks) await service.events.ended(id)
  const { status, headers, text } = await send(`${service.url}/metrics`)
  t.is(status, 200)
  t.regex(headers['content-type']!, /^text\/plain; version=0\.0\.4/)
  t.is(headers['x-content-type-options'], 'nosniff')
  const exposition = new Exposition(text)
  const succeeded = exposition.samples('afterwork_tasks_total', { outcome: 'succeeded' })
  t.is(
    succeeded.reduce((sum, { value }) => sum + value, 0),
    json.tasks.length,
  )
  for (const state of ['queued', 'scheduled', 'running'])
    t.is(exposition.value('afterwork_queue_depth', { state }), 0, state)
  t.is(exposition.value('afterwork_queue_oldest_seconds'), 0)
  t.true(exposition.value('process_resident_memory_bytes')! > 2 ** 20)
  t.true(exposition.value('process_cpu_seconds_total')! > 0)
  t.true(Math.abs(exposition.value('process_start_time_seconds')! - Date.now() / 1_000) < 600)
})

test('a mail for later shows as scheduled', async (t) => {
  const service = await serve(t)
  await post(`${service.url}/send-email`, { to: 'a@example.org', subject: 's', text: 'x', delay: '1h' })
  const exposition = new Exposition((await send(`${service.url}/metrics`)).text)
  t.is(exposition.value('afterwork_queue_depth', { state: 'scheduled' }), 1)
  t.is(exposition.value('afterwork_queue_depth', { state: 'queued' }), 0)
  t.true(exposition.value('afterwork_workers', { queue: 'mail', state: 'idle' })! >= 0)
})

test('with a token /metrics wants it, as Prometheus sends it', async (t) => {
  const file = join(await temporaryFolder(t), 'token')
  await writeFile(file, 'a-token-of-the-tests\n')
  const { url } = await serve(t, ['--token-file', file])
  t.is((await send(`${url}/metrics`)).status, 401)
  t.is((await send(`${url}/metrics`, { headers: { Authorization: 'Bearer wrong' } })).status, 401)
  const bearer = { Authorization: 'Bearer a-token-of-the-tests' }
  t.is((await send(`${url}/metrics`, { headers: bearer })).status, 200)
})

test('many scrapes at once are all answered, and a stop meanwhile ends in order', async (t) => {
  const service = await serve(t)
  const scrapes = Array.from({ length: 200 }, () => send(`${service.url}/metrics`))
  for (const { status } of await Promise.all(scrapes)) t.is(status, 200)
  const last = send(`${service.url}/metrics`).catch(() => undefined)
  await service.stop()
  await last
  t.is((await service.events.until('afterwork.stopped')).left, 0)
})
