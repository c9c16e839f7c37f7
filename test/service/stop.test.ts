import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import test from 'ava'
import { send } from '../support/http.ts'
import { serve } from '../support/service.ts'

test('who watches a task does not keep the service from stopping', async (t) => {
  const service = await serve(t, ['--drain', '60s'])
  const body = JSON.stringify({ to: 'ann@example.com', subject: 'Later', text: 'x', delay: '1h' })
  const headers = { 'Content-Type': 'application/json' }
  const { json } = await send(`${service.url}/send-email`, { method: 'POST', headers, body })
  const { href } = (json as { tasks: { href: string }[] }).tasks[0]!
  const request = get(`${service.url}${href}/events`)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  await once(response, 'data')
  const cut = once(response, 'error')
  await service.stop()
  await cut
  t.pass()
})
