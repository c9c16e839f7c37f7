import test from 'ava'
import { retryAfter } from '../../../workers/http/retry-after.ts'

const now = Date.parse('2026-11-21T10:00:00Z')

test('a Retry-After is seconds or a date, in all its forms', (t) => {
  t.is(retryAfter('120', now), 120_000)
  t.is(retryAfter('0', now), 0)
  t.is(retryAfter('Sat, 21 Nov 2026 10:00:30 GMT', now), 30_000)
  t.is(retryAfter('Saturday, 21-Nov-26 10:01:00 GMT', now), 60_000)
})

test('a date that has passed means at once, and nobody can make a task wait for longer than an hour', (t) => {
  t.is(retryAfter('Sat, 21 Nov 2026 09:00:00 GMT', now), 0)
  t.is(retryAfter('86400', now), 3_600_000)
  t.is(retryAfter('9'.repeat(400), now), 3_600_000)
  t.is(retryAfter('Sat, 21 Nov 2076 10:00:30 GMT', now), 3_600_000)
})

test('what is no Retry-After asks for nothing', (t) => {
  for (const header of [undefined, '', 'soon', '-', '1e3 s', '\0']) t.is(retryAfter(header, now), undefined)
})
