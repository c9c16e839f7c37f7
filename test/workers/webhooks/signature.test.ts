import { randomBytes } from 'node:crypto'
import test from 'ava'
import { Webhook } from 'standardwebhooks'
import { signedHeaders } from '../../../workers/webhooks/signature.ts'

const body = '{"type":"task.succeeded","data":{"text":"Grüße"}}'

test('the reference implementation knows the signature of each secret, and of no other', (t) => {
  const secrets = [24, 32, 64].map((bytes) => `whsec_${randomBytes(bytes).toString('base64')}`)
  const headers = signedHeaders(secrets, 'id-1', new Date(), body)
  for (const secret of secrets) t.like(new Webhook(secret).verify(body, headers), { type: 'task.succeeded' })
  const other = new Webhook(`whsec_${randomBytes(32).toString('base64')}`)
  t.throws(() => other.verify(body, headers), { message: /No matching signature/ })
  const [webhook] = secrets.map((secret) => new Webhook(secret))
  t.throws(() => webhook!.verify(body.replace('ü', 'u'), headers))
  t.throws(() => webhook!.verify(body, { ...headers, 'webhook-id': 'id-2' }))
})

test('it is that of the example of the specification', (t) => {
  const headers = signedHeaders(
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    new Date(1_614_265_330_999),
    '{"test": 2432232314}',
  )
  t.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})
