import test from 'ava'
import { ago, between, duration } from '../../src/cli/output/human.ts'
import { jsonText } from '../../src/cli/output/print.ts'
import { table } from '../../src/cli/output/table.ts'
import { cut, fit, widthOf } from '../../src/cli/output/width.ts'

test('durations are told by their two largest units', (t) => {
  const told = [0, 340, 999, 2_440, 9_949, 9_960, 59_600, 200_000, 3_600_000, 18_180_000, 1_051_200_000]
  t.deepEqual(told.map(duration), [
    '0ms',
    '340ms',
    '999ms',
    '2.4s',
    '9.9s',
    '10s',
    '1m',
    '3m 20s',
    '1h',
    '5h 3m',
    '12d 4h',
  ])
  t.is(duration(-5), '0ms')
})

test('dates are told from now', (t) => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  t.is(ago('2026-11-21T11:59:30Z', now), '30s ago')
  t.is(ago('2026-11-21T12:05:00Z', now), 'in 5m')
  t.is(between('2026-11-21T11:00:00Z', null, now), '1h')
  t.is(between(null, null, now), '')
})

test('wide characters count as two columns, marks as none', (t) => {
  t.is(widthOf('abc'), 3)
  t.is(widthOf('日本語'), 6)
  t.is(widthOf('👩‍👩‍👧'), 2)
  t.is(widthOf('e\u0301'), 1)
  t.is(widthOf('한글'), 4)
})

test('what is too wide is cut between characters, with an ellipsis', (t) => {
  t.is(cut('abcdef', 4), 'abc…')
  t.is(cut('abcd', 4), 'abcd')
  t.is(cut('日本語', 5), '日本…')
  t.is(cut('日本語', 4), '日…')
  t.is(cut('日本', 4), '日本')
  t.is(cut('e\u0301e\u0301e\u0301', 2), 'e\u0301…')
  t.is(cut('abc', 0), '')
  t.is(fit('日本語', 4), '日… ')
  t.is(fit('7', 3, 'right'), '  7')
})

test('a table stays within the terminal and takes from its flexible columns first', (t) => {
  const columns = [
    { heading: 'ID' },
    { heading: 'NAME', flexible: true },
    { heading: 'N', align: 'right' as const },
  ]
  const rows = [
    ['1234567890', 'a name that is rather long', '7'],
    ['1', 'b', '10'],
  ]
  t.is(
    table(columns, rows, 30),
    [
      'ID          NAME             N',
      '1234567890  a name that i…   7',
      '1           b               10',
      '',
    ].join('\n'),
  )
  for (const line of table(columns, rows, 12).split('\n')) t.true(widthOf(line) <= 12)
})

test('without a terminal the cells are apart by tabs, and none can break the lines', (t) => {
  const columns = [{ heading: 'A' }, { heading: 'B' }]
  t.is(table(columns, [['a\tb\n', '\x1b[2J\u202e']]), 'a\\tb\\n\t\\u001b[2J\\u202e\n')
})

test('JSON holds nothing that a terminal heeds, and says the same', (t) => {
  const value = { evil: '\x1b[2J \x9b \u202e \u2028 \ud800 \u{e0001} a\nb', fine: '日本 é 👍' }
  const text = jsonText(value, 2)
  t.deepEqual(JSON.parse(text), value)
  t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}]/u)
  t.true(text.includes('日本 é 👍'))
})
