import test from 'ava'
import { domainOf, parseAddress } from '../../src/service/address.ts'

test('a plain address stays as it is, but for its domain, which becomes ASCII in lower case', (t) => {
  const valid: [given: string, expected: string][] = [
    ['mira@example.org', 'mira@example.org'],
    ['Mira.K+tag@Example.ORG', 'Mira.K+tag@example.org'],
    ["o'brien!#$%&*/=?^_`{|}~-@example.org", "o'brien!#$%&*/=?^_`{|}~-@example.org"],
    ['a@MÜNCHEN.example', 'a@xn--mnchen-3ya.example'],
    ['a@例え.jp', 'a@xn--r8jz45g.jp'],
    [`${'a'.repeat(64)}@example.org`, `${'a'.repeat(64)}@example.org`],
    ['1@2.example', '1@2.example'],
  ]
  for (const [given, expected] of valid) t.is(parseAddress(given), expected)
})

test('characters that a domain could turn into something else are refused', (t) => {
  // Full-width and other forms that IDNA maps to a dot, an @, a comma or a slash.
  const tricks = [
    'a@exa\uff20mple.org',
    'a@b\uff0cc.org',
    'a@example.org\uff0fx',
    'a@%65xample.org',
    'a@exam\u00adple..org',
  ]
  for (const given of tricks) t.is(parseAddress(given), undefined, given)
})

test('a domain without a dot is an address only where that is allowed, a number never', (t) => {
  t.is(parseAddress('a@localhost'), undefined)
  t.is(parseAddress('a@localhost', { localDomains: true }), 'a@localhost')
  for (const domain of ['127.0.0.1', '1', '0x7f.1', '[::1]'])
    t.is(parseAddress(`a@${domain}`), undefined, domain)
})

test('domainOf() gives what stands behind the last @', (t) => {
  t.is(domainOf('mira@example.org'), 'example.org')
})
