import fc from 'fast-check'
import test from 'ava'
import type { ColumnProfile } from '../../../../workers/files/table/profile.ts'
import { cut, profile, random, write } from './subject.ts'

/** What is found out about a column of these cells. */
function column(cells: readonly string[], delimiter: ',' | ';' = ','): ColumnProfile {
  const { columns } = profile([`name${delimiter}\n`, ...cells.map((cell) => `"${cell}"${delimiter}\n`)], {
    width: 2,
    delimiter,
  })
  return columns[0]!
}

/** Whole numbers whose squares' sum is lost if it is only summed up. */
const large = Array.from({ length: 3000 }, (_, index) => String(9e14 + index))

test('a column of whole numbers has its extremes, mean and deviation', (t) => {
  t.deepEqual(column(['3', '1', '', '2', 'NA', '2']), {
    name: 'name',
    type: 'integer',
    types: { integer: 4 },
    nulls: 2,
    distinct: 3,
    min: 1,
    max: 3,
    mean: 2,
    deviation: Math.sqrt(2 / 3),
    longest: 2,
    top: [
      { value: '2', count: 2 },
      { value: '3', count: 1 },
      { value: '1', count: 1 },
    ],
  })
})

const types: [name: string, cells: string[], expected: Partial<ColumnProfile>][] = [
  [
    'decimals',
    ['1', '2.5'],
    {
      type: 'number',
      types: { integer: 1, number: 1 },
      decimal: '.',
      mean: 1.75,
      deviation: Math.sqrt(1.125),
    },
  ],
  ['decimal commas', ['1,5', '1.234,5', '1.234'], { type: 'number', decimal: ',', max: 1234.5, min: 1.5 }],
  ['groups by commas', ['1,234', '1.5'], { type: 'number', decimal: '.', max: 1234 }],
  ['amounts', ['$1.50', '$2'], { type: 'number', unit: '$', mean: 1.75 }],
  ['percentages', ['10 %', '20%'], { type: 'integer', unit: '%', mean: 15 }],
  ['booleans', ['true', 'no', 'Yes'], { type: 'boolean' }],
  ['y and n', ['y', 'n', 'Y', ''], { type: 'boolean', types: { boolean: 3 } }],
  ['three letters', ['y', 'n', 'm'], { type: 'string' }],
  ['dates', ['2024-01-31', '2023-12-01'], { type: 'date', min: '2023-12-01', max: '2024-01-31' }],
  [
    'days before months',
    ['03/04/2024', '31/01/2024'],
    { type: 'date', min: '2024-01-31', max: '2024-04-03' },
  ],
  [
    'months before days',
    ['03/04/2024', '01/31/2024'],
    { type: 'date', min: '2024-01-31', max: '2024-03-04' },
  ],
  ['days or months', ['03/04/2024', '05/06/2024'], { type: 'date', ambiguous: true }],
  [
    'times',
    ['2024-01-31 12:00:00', '2024-01-31'],
    { type: 'datetime', types: { date: 1, datetime: 1 }, max: '2024-01-31T12:00:00.000' },
  ],
  ['moments', ['2024-01-31T12:00:00+01:00'], { type: 'datetime', max: '2024-01-31T11:00:00.000Z' }],
  ['words', ['b', 'ab', 'é'], { type: 'string', min: 'ab', max: 'é' }],
  ['postal codes', ['01234', ...Array(50).fill('99999')], { type: 'string', min: '01234', max: '99999' }],
  ['numbers and words', ['1', 'x', '2'], { type: 'string', types: { integer: 2, string: 1 }, max: 'x' }],
  ['nothing', ['', 'NULL', '-'], { type: 'empty', types: {}, nulls: 3, distinct: 0, longest: 4 }],
  [
    'decimal commas, and a point',
    [...Array(10).fill('1,5'), '1.5'],
    { type: 'mixed', mostly: 'number', types: { number: 10, string: 1 }, max: 1.5 },
  ],
  [
    'days before months, and one that is not',
    [...Array(10).fill('31/01/2024'), '01/30/2024'],
    { type: 'mixed', mostly: 'date', types: { date: 10, string: 1 }, min: '2024-01-31' },
  ],
  [
    'numbers, and a few words',
    [...Array(19).fill('1.5'), 'unknown'],
    { type: 'mixed', mostly: 'number', types: { number: 19, string: 1 }, min: 1.5, max: 1.5, mean: 1.5 },
  ],
]

for (const [name, cells, expected] of types) {
  test(`a column of ${name} is known as such`, (t) => {
    t.like(column(cells), expected)
  })
  test(`the cells of a column of ${name} are known as such when its values are too many to count`, (t) => {
    const many = Array.from({ length: 1100 }, (_, index) => `word ${index}`)
    const { types: found, nulls, distinctError, examples } = column([...cells, ...many])
    // A letter means true or false only where there is no third value.
    const alone = column(name === 'y and n' ? [...cells, 'word'] : cells)
    const words = name === 'y and n' ? 1099 : 1100
    t.deepEqual(found, { ...alone.types, string: (alone.types.string ?? 0) + words })
    t.is(nulls, alone.nulls)
    t.is(distinctError, 0.0081)
    t.is(examples?.length, 5)
  })
}

test('where a comma may stand before decimals or thousands, semicolons between cells decide', (t) => {
  t.like(column(['1,234'], ';'), { type: 'number', decimal: ',', max: 1.234 })
  t.like(column(['1,234'], ','), { type: 'integer', decimal: '.', max: 1234 })
})

test('spaces around a cell do not count, and longer ones within quotes do not either', (t) => {
  t.like(column([' 1', '2 ', '\t3', ' ']), { type: 'integer', nulls: 1, longest: 1 })
})

test('mean and deviation do not lose what is small beside what is large', (t) => {
  const { mean, deviation, distinctError } = column(large)
  t.is(mean, 9e14 + 1499.5)
  t.true(Math.abs(deviation! - 866.17) < 0.01)
  t.truthy(distinctError)
})

test('what JSON cannot hold is left out', (t) => {
  const found = column(['1e308', '-1e308', '1e308', '-1e308', '1e308'])
  t.is(found.type, 'number')
  t.deepEqual(JSON.parse(JSON.stringify(found)), found)
})

test('a thousand different values are counted exactly, many more estimated within three standard errors', (t) => {
  const distinct = (count: number, ...name: string[]) => {
    const cells = Array.from({ length: count }, (_, index) => `${name.join('')}${index}`)
    return column([...cells, ...cells.toReversed()])
  }
  t.like(distinct(1000), { distinct: 1000, distinctError: undefined })
  for (const count of [1001, 5000, 20_000, 100_000]) {
    for (const name of ['', 'user-', 'https://example.org/']) {
      const { distinct: estimate, distinctError } = distinct(count, name)
      const error = Math.abs(estimate - count) / count
      t.true(error < 3 * distinctError!, `${estimate} of ${count}`)
    }
  }
})

test('names that are missing, come twice or are long are made fit', (t) => {
  const names = (header: string, width: number) =>
    profile([`${header}\n`, `${'1,'.repeat(width - 1)}1\n`], { width }).columns.map(({ name }) => name)
  t.deepEqual(names('a,,a,a (2),a', 5), ['a', 'column 2', 'a (2)', 'a (2) (2)', 'a (3)'])
  t.deepEqual(names('a,b', 4), ['a', 'b', 'column 3', 'column 4'])
  t.deepEqual(names('mpg,cyl', 3), ['column 1', 'mpg', 'cyl'], 'as R writes tables with row names')
  t.is(names(`${'x'.repeat(5000)},b`, 2)[0]!.length, 100)
  t.deepEqual(names('a\0b,\ud800', 2), ['a\ufffdb', '\ufffd'])
  t.is(new Set(names(Array(900).fill('same').join(','), 900)).size, 900)
})

test('rows that lack cells or have too many are counted and go on', (t) => {
  const { rows, ragged, columns } = profile(['a,b,c\n1,2,3\n\n4\n5,6,7,8\n9,10,11\n'], { width: 3 })
  t.is(rows, 4)
  t.deepEqual(ragged, { count: 2, first: 4, shorter: 1, longer: 1 })
  t.deepEqual(
    columns.map(({ types: { integer }, nulls }) => [integer, nulls]),
    [
      [4, 0],
      [3, 0],
      [3, 0],
    ],
  )
})

test('of columns beyond a thousand only the number is told', (t) => {
  const { width, columns } = profile([`${','.repeat(1999)}\n`.repeat(3)], { width: 2000, header: false })
  t.deepEqual([width, columns.length], [2000, 1000])
})

test('the profile of the widest table of the longest values is small', (t) => {
  const row = (mark: number) =>
    `${Array(1000)
      .fill(`${mark} ${'\u0001'.repeat(900)}`)
      .join(',')}\n`
  const { columns } = profile([row(0), row(1), row(2), row(3)], { width: 1000, header: true })
  t.true(JSON.stringify(columns).length < 1_000_000)
})

test('rows, columns and nulls are those of the table, however it is written and cut', (t) => {
  fc.assert(
    fc.property(random.table, random.borders, random.cuts, (table, borders, cuts) => {
      const width = Math.max(...table.map((row) => row.length))
      const dialect = { ...borders, delimiter: borders.delimiter as ',', width, header: false }
      const { rows, columns, ragged } = profile(cut(write(table, borders), cuts), dialect)
      t.is(rows, table.length)
      t.is(columns.length, width)
      t.is(ragged.count, table.filter((row) => row.length < width).length)
      for (const [index, { nulls, distinct, types: counts }] of columns.entries()) {
        const cells = table.flatMap((row) => (index < row.length ? [row[index]!.trim()] : []))
        const filled = cells.filter((cell) => cell !== '' && cell !== '-')
        t.is(nulls, cells.length - filled.length)
        t.is(distinct, new Set(filled).size)
        t.is(
          Object.values(counts).reduce((sum, count) => sum + count, 0),
          filled.length,
        )
      }
    }),
    { seed: 20_261_121, numRuns: 500 },
  )
})
