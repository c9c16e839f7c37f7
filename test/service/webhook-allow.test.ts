import test from 'ava'
import { allowedBy, webhookHosts } from '../../src/service/webhook-allow.ts'

function entryFor(url: string, list: string): string | undefined {
  return allowedBy(new URL(url), webhookHosts(list, '--webhook-allow'))
}

const cases: [url: string, list: string, entry: string | undefined][] = [
  ['https://hooks.example.com/x?y', 'hooks.example.com', 'hooks.example.com'],
  ['https://HOOKS.example.com:443/x', 'Hooks.Example.com:443', 'hooks.example.com'],
  ['https://münchen.example/', 'xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['https://xn--mnchen-3ya.example/', 'münchen.example', 'xn--mnchen-3ya.example'],
  ['http://hooks.example.com/', 'hooks.example.com', undefined],
  ['https://hooks.example.com:8443/', 'hooks.example.com', undefined],
  ['https://hooks.example.com:8443/', 'hooks.example.com:8443', 'hooks.example.com:8443'],
  ['https://hooks.example.com/', 'hooks.example.com:8443', undefined],
  ['https://hooks.example.com.evil.example/', 'hooks.example.com', undefined],
  ['https://evil.example/?hooks.example.com', 'hooks.example.com', undefined],
  ['https://a.example.com/', '*.example.com', '*.example.com'],
  ['https://b.a.example.com/', '*.example.com', '*.example.com'],
  ['https://a.example.com:8443/', '*.example.com:8443', '*.example.com:8443'],
  ['https://a.example.com:8443/', '*.example.com', undefined],
  ['https://example.com/', '*.example.com', undefined],
  ['https://evilexample.com/', '*.example.com', undefined],
  ['https://anything.example/', '*', '*'],
  ['http://anything.example/', '*', undefined],
  ['https://anything.example:22/', '*', undefined],
  ['https://localhost/', '*', undefined],
  ['https://8.8.8.8/', '*', undefined],
  ['https://0x7f000001/', '*', undefined],
  ['https://[::1]/', '*', undefined],
  ['https://8.8.8.8/', '8.8.8.8', '8.8.8.8'],
  ['https://[2606:4700::1111]/', '[2606:4700:0::1111]', '[2606:4700::1111]'],
  ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://127.1:8080/x', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://127.0.0.1:8081/', 'http://127.0.0.1:8080', undefined],
  ['https://127.0.0.1:8080/', 'http://127.0.0.1:8080', undefined],
  ['https://a.example.com/', '*.example.com, https://a.example.com', 'https://a.example.com'],
  ['https://b.example.org/', 'a.example.com , *.example.org', '*.example.org'],
]

for (const [url, list, entry] of cases) {
  test(`${url} is ${entry === undefined ? 'not allowed' : 'allowed'} by ${list}`, (t) => {
    t.is(entryFor(url, list), entry)
  })
}

for (const list of [
  '',
  ',',
  'a.example,,b.example',
  '**',
  '*.',
  '*.*.example',
  'a.*.example',
  'https://*.example.com',
  'http://*',
  'ftp://a.example',
  'https://user@a.example',
  'https://a.example/path',
  'a.example/',
  'a.example:99999',
  'a b.example',
  'a.example?x',
]) {
  test(`${JSON.stringify(list)} is no list of hosts`, (t) => {
    const { message } = t.throws(() => webhookHosts(list, '--webhook-allow'), {
      code: 'AFTERWORK_BAD_OPTION',
    })
    t.regex(message, /^--webhook-allow: Expected hosts separated by commas/)
  })
}
