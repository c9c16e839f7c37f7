import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import test from 'ava'
import { TableScanner, type Borders } from '../../../../workers/files/table/scanner.ts'
import { cut, plain, random, scan, write } from './subject.ts'

const rowsOf = (text: string, borders?: Partial<Borders>) => scan([text], borders).rows

test('cells and rows are told apart by RFC 4180', (t) => {
  t.deepEqual(rowsOf('a,b\r\n1,"x, ""y"""\r\n,\r\n"multi\r\nline",3'), [
    ['a', 'b'],
    ['1', 'x, "y"'],
    ['', ''],
    ['multi\r\nline', '3'],
  ])
})

test('a row that lacks cells, or has too many, takes none of its neighbours', (t) => {
  t.deepEqual(rowsOf('a,b,c\n1\n1,2,3,4\n\n1,2\n'), [
    ['a', 'b', 'c'],
    ['1'],
    ['1', '2', '3', '4'],
    ['1', '2'],
  ])
})

test('blank rows are left out but have numbers', (t) => {
  const numbers: number[] = []
  const scanner = new TableScanner(plain, (row) => numbers.push(row.number))
  scanner.write('\n  \na,b\n\r\n1,2')
  scanner.end()
  t.deepEqual(numbers, [3, 5])
})

test('quotes within a cell that has none at its beginning are characters', (t) => {
  t.deepEqual(rowsOf('5" pipe,a "b" c\n'), [['5" pipe', 'a "b" c']])
})

test('a cell that goes on after its closing quote is kept and counted', (t) => {
  const text = 'a,b\n"x"y,2\n"p" ,"q"z"\n'
  for (const size of [1, text.length]) {
    const { rows, quotes } = scan(pieces(text, size))
    t.deepEqual(rows, [
      ['a', 'b'],
      ['xy', '2'],
      ['p', 'qz"'],
    ])
    t.deepEqual(quotes, { stray: 2, first: 2 })
  }
})

test('a quote that is still open at the end closes there, and is told', (t) => {
  const { rows, quotes } = scan(['a,b\n1,"x\n2,"', '"y\n'])
  t.deepEqual(rows, [
    ['a', 'b'],
    ['1', 'x\n2,"y\n'],
  ])
  t.is(quotes.unclosed, 2)
})

test('without quoting, a quote is a character', (t) => {
  t.deepEqual(rowsOf('"a\tb"\n"c"\td\n', { delimiter: '\t', quote: null }), [
    ['"a', 'b"'],
    ['"c"', 'd'],
  ])
})

test('spaces before a quote are none of the cell, if the table is written so', (t) => {
  t.deepEqual(rowsOf('a,  "b, c" , d\n', { spaced: true }), [['a', 'b, c', ' d']])
  t.deepEqual(rowsOf('a, "b, c"\n'), [['a', ' "b', ' c"']])
})

test('NUL, lone carriage returns and half characters are characters', (t) => {
  t.deepEqual(rowsOf('a\0,b\rc\n\ud800,d\n'), [
    ['a\0', 'b\rc'],
    ['\ud800', 'd'],
  ])
})

test('lines before the table are skipped', (t) => {
  t.deepEqual(scan(['sep', '=;\n', 'a,b\n'], { skip: 1 }).rows, [['a', 'b']])
  t.deepEqual(rowsOf('no line ends', { skip: 1 }), [])
})

const endless = (at: number) => `a,b\n1,2\n3,"${'x\n'.repeat(at)}`

test('a quote that never closes is stopped, and the row where it opens is named', (t) => {
  for (const size of [1, 1000, 4_000_000]) {
    const text = endless(1_000_000)
    t.throws(() => scan(pieces(text, Math.max(size, 50_000))), {
      code: 'TABLE_ENDLESS_QUOTE',
      message: /opens in row 3 to close within 1048576 characters/,
    })
  }
})

test('a quote that closes too late is stopped like one that never does', (t) => {
  for (const size of [50_000, 4_000_000]) {
    t.throws(() => scan(pieces(`${endless(600_000)}",4\n`, size)), { code: 'TABLE_ENDLESS_QUOTE' })
  }
})

test('no more than a row of the greatest length is held', (t) => {
  const scanner = new TableScanner(plain, () => {})
  let fed = 0
  const feed = () => {
    for (; fed < 10_000_000; fed += 50_000) scanner.write('x'.repeat(50_000))
  }
  t.throws(feed, { code: 'TABLE_ROW_TOO_LONG' })
  t.true(fed <= 1024 * 1024)
})

test('a row that never ends is stopped, and named', (t) => {
  for (const size of [50_000, 4_000_000]) {
    t.throws(() => scan(pieces(`a,b\n1,${'2'.repeat(2_000_000)}\n`, size)), {
      code: 'TABLE_ROW_TOO_LONG',
      message: /got a longer one: row 2/,
    })
  }
})

test('a row of a million characters is none too long', (t) => {
  const cell = 'x'.repeat(1_000_000)
  t.deepEqual(scan(pieces(`"${cell}",b\n${cell},d\n`, 50_000)).rows, [
    [cell, 'b'],
    [cell, 'd'],
  ])
})

test('more columns than a spreadsheet has are refused', (t) => {
  t.is(rowsOf(`${','.repeat(16_383)}\n`)[0]!.length, 16_384)
  t.throws(() => rowsOf(`a\n${','.repeat(16_384)}\n`), { code: 'TABLE_TOO_WIDE', message: /in row 2/ })
})

test('what is read is what was written, however it is written and cut', (t) => {
  fc.assert(
    fc.property(random.table, random.borders, random.cuts, (table, borders, cuts) => {
      const { rows, quotes } = scan(cut(write(table, borders), cuts), borders)
      t.deepEqual(rows, table)
      t.deepEqual(quotes, { stray: 0 })
    }),
    { seed: 20_261_121, numRuns: 500 },
  )
  t.pass()
})

test('what is read is what csv-parse reads', (t) => {
  fc.assert(
    fc.property(random.table, random.borders, random.cuts, (table, borders, cuts) => {
      const text = write(table, borders)
      const expected: string[][] = parse(text, {
        delimiter: borders.delimiter,
        record_delimiter: borders.newline === '\n' ? ['\r\n', '\n'] : '\r',
        relax_column_count: true,
        skip_empty_lines: true,
      })
      t.deepEqual(scan(cut(text, cuts), borders).rows, expected)
    }),
    { seed: 20_261_121, numRuns: 500 },
  )
  t.pass()
})

test('garbage gives the same rows however it is cut', (t) => {
  const garbage = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', '\0'), maxLength: 60 })
  fc.assert(
    fc.property(garbage, fc.boolean(), random.cuts, (text, spaced, cuts) => {
      t.deepEqual(scan(cut(text, cuts), { spaced }), scan([text], { spaced }))
    }),
    { seed: 20_261_121, numRuns: 3000 },
  )
  t.pass()
})

function pieces(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}
