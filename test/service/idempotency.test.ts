import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { untilFolder } from '../support/folder.ts'
import { post, send } from '../support/http.ts'
import { fileForm } from '../support/multipart.ts'
import { serve } from '../support/service.ts'

const key = { 'Idempotency-Key': 'k-1' }

test('an upload that is sent again with its key is stored and processed once', async (t) => {
  const { url, data } = await serve(t)
  const form = fileForm('a,b\n1,2\n', 'table.csv', 'text/csv')
  const sent = { ...form, headers: { ...form.headers, ...key } }
  const first = await send(`${url}/upload-file`, sent)
  t.is(first.status, 202)
  const again = await send(`${url}/upload-file`, sent)
  t.deepEqual([again.status, again.text, again.headers.location], [202, first.text, first.headers.location])
  t.is(again.headers['idempotency-replayed'], 'true')
  const { json } = await send(`${url}/tasks`)
  t.is(json.tasks.length, 1)
  const files = join(data, 'files')
  await untilFolder(files, (names) => names.length === 1)
  t.deepEqual(await readdir(files), [first.json.files[0].id])
})

test('a mail that is refused is refused again, and its key is taken', async (t) => {
  const { url } = await serve(t)
  const refused = await post(`${url}/send-email`, { to: 'nobody', subject: 's', text: 't' }, key)
  t.is(refused.status, 422)
  const again = await post(`${url}/send-email`, { to: 'nobody', subject: 's', text: 't' }, key)
  t.deepEqual([again.status, again.text], [422, refused.text])
  const other = await post(`${url}/send-email`, { to: 'ada@example.org', subject: 's', text: 't' }, key)
  t.deepEqual([other.status, other.json.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
})

test('the token is asked for before the key, and all who have it share their keys', async (t) => {
  const { url } = await serve(t, [], { AFTERWORK_TOKEN: 'a-token-of-the-tests' })
  const note = `${url}/send-notification/ada@example.org?message=hi`
  t.is((await send(note, { method: 'POST', headers: key })).status, 401)
  const bearer = { Authorization: 'Bearer a-token-of-the-tests' }
  const first = await send(note, { method: 'POST', headers: { ...key, ...bearer } })
  t.is(first.status, 202)
  const login = await send(`${url}/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'token=a-token-of-the-tests',
  })
  const [cookie] = login.headers['set-cookie']!
  const again = await send(note, { method: 'POST', headers: { ...key, Cookie: cookie!.split(';')[0]! } })
  t.deepEqual([again.status, again.text], [202, first.text])
})
