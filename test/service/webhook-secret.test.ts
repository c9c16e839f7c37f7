import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readConfig } from '../../src/service/config.ts'
import { temporaryFolder } from '../support/folder.ts'

const noFile = join(import.meta.dirname, 'no-such.config.json')
const [old, present] = [24, 64].map((bytes) => `whsec_${randomBytes(bytes).toString('base64')}`) as [
  string,
  string,
]

function read(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return readConfig(args, env, noFile)
}

test('by default webhooks may go nowhere', (t) => {
  t.like(read([]), { webhookAllow: [], webhookSecret: [] })
})

test('a secret comes from the environment or a file, which wins, and may be one of several', async (t) => {
  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, `${present}\n${old}\n`)
  const env = { AFTERWORK_WEBHOOK_SECRET: old, WEBHOOK_ALLOW: 'hooks.example.com' }
  t.like(read([], env), { webhookAllow: ['hooks.example.com'], webhookSecret: [old] })
  t.deepEqual(read([], { AFTERWORK_WEBHOOK_SECRET: `${present} ${old}` }).webhookSecret, [present, old])
  t.deepEqual(read(['--webhook-secret-file', file], env).webhookSecret, [present, old])
})

test('webhooks that could not be signed are refused at the start', (t) => {
  t.throws(() => read(['--webhook-allow', '*']), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /set AFTERWORK_WEBHOOK_SECRET or --webhook-secret-file/,
  })
})

test('a secret is no flag', (t) => {
  t.throws(() => read(['--webhook-secret', present]), {
    code: 'AFTERWORK_BAD_OPTION',
    message: /a known flag/,
  })
})

test('what is no secret is refused, and not shown', async (t) => {
  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, 'hunter2')
  const short = `whsec_${randomBytes(23).toString('base64')}`
  const unpadded = `whsec_${randomBytes(32).toString('base64').replace('=', '')}`
  for (const secret of [
    'hunter2',
    old.slice(6),
    short,
    unpadded,
    `${old},${present}`,
    `${old} hunter2`,
    'whsec_',
  ]) {
    const { message } = t.throws(() => read([], { AFTERWORK_WEBHOOK_SECRET: secret }), {
      code: 'AFTERWORK_BAD_OPTION',
      message: /^AFTERWORK_WEBHOOK_SECRET: Expected 'whsec_' and 24 to 64 bytes in base64/,
    })
    for (const hidden of ['hunter', old, short, unpadded])
      t.false(message.includes(hidden.slice(6) || hidden))
  }
  const { message } = t.throws(() => read(['--webhook-secret-file', file]), { code: 'AFTERWORK_BAD_OPTION' })
  t.notRegex(message, /hunter/)
  t.throws(() => read(['--webhook-secret-file', join(file, 'none')]), { code: 'AFTERWORK_BAD_OPTION' })
})
