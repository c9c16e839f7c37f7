import { encode } from './encode.ts'

/** Tables in the dialects that people's programs write. */
export function tables(): Record<string, Buffer> {
  return {
    'people.csv': encode(people(), 'utf-8'),
    'umsatz.csv': encode(sales(), 'windows-1252'),
    'messwerte.tsv': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(measurements(), 'utf16le')]),
    'ragged.csv': encode(ragged(), 'utf-8'),
    'quotes.csv': encode(quotes(), 'utf-8'),
    'unclosed.csv': encode(`${quotes()}4,"this quote never ends,0\n5,x,1\n6,y,2\n`, 'utf-8'),
  }
}

const names = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Tony', 'Radia', 'Ken', 'Margaret']
const cities = ['Berlin', 'Zürich', 'Łódź', 'São Paulo', '']

/** What a shop exports: ids, postal codes with leading zeros, dates, amounts, and gaps. */
function people(): string {
  const rows = Array.from({ length: 60 }, (_, index) => [
    index + 1,
    names[index % names.length],
    cities[index % cities.length],
    String(1_067 + 37 * index).padStart(5, '0'),
    new Date(Date.UTC(1950, 0, 1 + 211 * index)).toISOString().slice(0, 10),
    index % 9 === 4 ? 'NULL' : (19.9 + 3.35 * index).toFixed(2),
    index % 3 === 0 ? 'true' : 'false',
    new Date(Date.UTC(2024, 0, 1, index, 7 * (index % 8))).toISOString(),
  ])
  return lines(
    [['id', 'name', 'city', 'postcode', 'born', 'balance', 'active', 'seenAt'], ...rows],
    ',',
    '\n',
  )
}

/** What a German spreadsheet saves: semicolons, decimal commas, dots for thousands. */
function sales(): string {
  const rows = Array.from({ length: 24 }, (_, index) => [
    `${String((index % 28) + 1).padStart(2, '0')}.${String((index % 12) + 1).padStart(2, '0')}.2024`,
    ['München', 'Köln', 'Düsseldorf'][index % 3],
    (1_234.5 + 321.25 * index).toLocaleString('de-DE', { minimumFractionDigits: 2 }),
    `${(3.5 + index / 4).toFixed(1).replace('.', ',')} %`,
    index % 5 === 0 ? '' : `${12 + index} €`,
  ])
  return lines([['Datum', 'Filiale', 'Umsatz', 'Anteil', 'Gebühr'], ...rows], ';', '\r\n')
}

/** What an instrument writes: no header, scientific notation. */
function measurements(): string {
  const rows = Array.from({ length: 30 }, (_, index) => [
    `2024-03-01 12:${String(index).padStart(2, '0')}:00`,
    (1.5e-3 * (index + 1)).toExponential(3),
    (20 + Math.round(10 * Math.sin(index)) / 10).toFixed(1),
    index === 17 ? 'error' : 'ok',
  ])
  return lines(rows, '\t', '\r\n')
}

/** Rows that are too short and too long, as hands and scripts leave them; a name twice, and one missing. */
function ragged(): string {
  const rows = Array.from({ length: 20 }, (_, index) => {
    const row = [index + 1, `item ${index % 4}`, 2 * index, '']
    if (index === 6 || index === 15) return row.slice(0, 2)
    return index === 10 ? [...row, 'one', 'two more'] : row
  })
  return `${lines([['id', 'value', 'value', ''], ...rows], ',', '\n')}\n`
}

function quotes(): string {
  return 'id,text,count\n1,"commas, and ""quotes""",3\n2,"two\nlines",4\n3,plain,5\n'
}

function lines(rows: readonly (readonly unknown[])[], delimiter: string, end: string): string {
  return rows.map((row) => row.join(delimiter) + end).join('')
}
