import test from 'ava'
import { CellTypes } from '../../../../workers/files/table/cell.ts'

function typeOf(cell: string) {
  return new CellTypes().read(cell, 0, cell.length)
}

function numberOf(cell: string): [point: number, comma: number] | null {
  const types = new CellTypes()
  // Cells stand within longer texts.
  if (types.read(`7${cell}7`, 1, cell.length + 1) !== 'number') return null
  return [types.number.point, types.number.comma]
}

function dateOf(cell: string): string | [dayFirst: string | null, monthFirst: string | null] | null {
  const types = new CellTypes()
  if (types.read(`7${cell}7`, 1, cell.length + 1) !== 'date') return null
  const { dayFirst, monthFirst } = types.date
  const written = [dayFirst, monthFirst].map((time) =>
    Number.isNaN(time) ? null : new Date(time).toISOString().replace('T00:00:00.000Z', ''),
  )
  return written[0] === written[1] ? written[0]! : [written[0]!, written[1]!]
}

const neither = Number.NaN
const numbers: Record<string, [number, number]> = {
  '0': [0, 0],
  '-0': [0, 0],
  '42': [42, 42],
  '+42': [42, 42],
  '-17': [-17, -17],
  '9007199254740991': [9007199254740991, 9007199254740991],
  '1.5': [1.5, neither],
  '1,5': [neither, 1.5],
  '-.5': [-0.5, neither],
  '5.': [5, neither],
  '0.125': [0.125, neither],
  '1.234': [1.234, 1234],
  '1,234': [1234, 1.234],
  '1,234,567': [1234567, neither],
  '1.234.567': [neither, 1234567],
  '1,234.50': [1234.5, neither],
  '1.234,50': [neither, 1234.5],
  "1'234.50": [1234.5, neither],
  '1 234 567': [1234567, 1234567],
  '1\u202f234,5': [neither, 1234.5],
  '1e5': [1e5, 1e5],
  '1.5E-3': [0.0015, neither],
  '0.1234567890123456789': [Number('0.1234567890123456789'), neither],
  '12.5%': [12.5, neither],
  '12 %': [12, 12],
  '$1,234.50': [1234.5, neither],
  '-$5': [-5, -5],
  '$-5': [-5, -5],
  '12,50 €': [neither, 12.5],
  '(1,234.50)': [-1234.5, neither],
  '($5)': [-5, -5],
}

for (const [cell, expected] of Object.entries(numbers)) {
  test(`${cell} is a number`, (t) => {
    t.deepEqual(numberOf(cell), expected)
  })
}

test('what would lose something as a number is none', (t) => {
  const cells = [
    '9007199254740993',
    '12345678901234567890',
    '007',
    '-007',
    '00.5',
    '1e400',
    'Infinity',
    '-inf',
  ]
  t.deepEqual(
    cells.filter((cell) => numberOf(cell) !== null),
    [],
  )
  t.is(typeOf('01234'), 'padded')
})

test('what only looks like a number is none', (t) => {
  const cells = [
    '1.2.3',
    '1,23,456',
    '12-34',
    '1 2',
    '--5',
    '+',
    '.',
    ',',
    '$',
    '%',
    '$5$',
    '(5)',
    '12abc',
    '1e',
    '1..2',
  ]
  const more = [
    '192.168.0.1',
    '12:30',
    '0x1F',
    '1_000',
    '12 Main St',
    '½',
    '٣',
    '5 €%',
    '$',
    '€ €',
    '- 5-',
    '1,2.3,4',
  ]
  t.deepEqual(
    [...cells, ...more].filter((cell) => numberOf(cell) !== null),
    [],
  )
})

const dates: Record<string, ReturnType<typeof dateOf>> = {
  '2024-01-31': '2024-01-31',
  '2024/02/29': '2024-02-29',
  '31.01.2024': '2024-01-31',
  '1.2.2024': '2024-02-01',
  '31/01/2024': ['2024-01-31', null],
  '01/31/2024': [null, '2024-01-31'],
  '03/04/2024': ['2024-04-03', '2024-03-04'],
  '3-4-2024': ['2024-04-03', '2024-03-04'],
  '04/04/2024': '2024-04-04',
  '31 Jan 2024': '2024-01-31',
  '1-Sep-2024': '2024-09-01',
  '5. October 2024': '2024-10-05',
  'Jan 31, 2024': '2024-01-31',
  'December 1 2024': '2024-12-01',
  '2024-01-31T13:45:00': '2024-01-31T13:45:00.000Z',
  '2024-01-31 13:45': '2024-01-31T13:45:00.000Z',
  '2024-01-31T13:45:00.123456Z': '2024-01-31T13:45:00.123Z',
  '2024-01-31T13:45:00+02:00': '2024-01-31T11:45:00.000Z',
  '2024-01-31 13:45:00 UTC': '2024-01-31T13:45:00.000Z',
  '31.01.2024 13:45:59': '2024-01-31T13:45:59.000Z',
  '1/31/2024 1:45 PM': [null, '2024-01-31T13:45:00.000Z'],
  '0001-01-01': '0001-01-01',
  '1969-12-31': '1969-12-31',
}

for (const [cell, expected] of Object.entries(dates)) {
  test(`${cell} is a date`, (t) => {
    t.deepEqual(dateOf(cell), expected)
  })
}

test('days that never were, and what only looks like a date, are none', (t) => {
  const cells = [
    '2023-02-29',
    '1900-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-01-32',
    '31.04.2024',
    '0000-01-01',
  ]
  const more = [
    '2024-01-31T25:00',
    '2024-01-31x',
    '2024-01/31',
    '32/32/2024',
    '5 Foo 2024',
    'Maybe 5, 2024',
    '31.01.24',
  ]
  const times = [
    '12:30',
    '2024-01-31T13:45:00+99',
    '2024-01-31 13:60',
    '1/31/2024 13:45 PM',
    '2024-W05',
    'May contain nuts',
  ]
  t.deepEqual(
    [...cells, ...more, ...times].filter((cell) => dateOf(cell) !== null),
    [],
  )
})

test('days agree with those of the calendar that comes with JavaScript', (t) => {
  for (let time = Date.UTC(1896, 0, 1); time < Date.UTC(2104, 0, 1); time += 86_400_000 * 3) {
    const iso = new Date(time).toISOString().slice(0, 10)
    if (dateOf(iso) !== iso) t.is(dateOf(iso), iso)
  }
  t.pass()
})

test('nulls and booleans are told by their exact words', (t) => {
  for (const cell of ['', '-', '\\N', 'NULL', 'null', 'NA', 'N/A', '#N/A', 'NaN'])
    t.is(typeOf(cell), 'null', cell)
  for (const cell of ['true', 'FALSE', 'Yes', 'no']) t.is(typeOf(cell), 'boolean', cell)
  for (const cell of ['none', 'Nancy', '--', 'nope', 'truely', 'N', 'nu ll'])
    t.is(typeOf(cell), 'string', cell)
})
