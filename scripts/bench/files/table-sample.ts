import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { randomFrom } from './random.ts'

const header = 'id,order,ordered_at,first_name,last_name,email,city,country,quantity,price,paid,status,note\n'
const firstNames = ['Ada', 'Émile', 'Grace', 'Jürgen', 'Kofi', 'Mei', 'Noor', 'Sofía', 'Søren', 'Zoë']
const lastNames = [
  'Achebe',
  'Brontë',
  'Curie',
  'García',
  'Hopper',
  'Ibsen',
  'Lovelace',
  'Müller',
  'Nguyễn',
  'Okafor',
]
const cities = [
  'Accra',
  'Berlin',
  'Córdoba',
  'Hà Nội',
  'London',
  'Lyon',
  'Oslo',
  'Quito',
  'São Paulo',
  'Zürich',
]
const countries = ['AR', 'BR', 'CH', 'DE', 'EC', 'FR', 'GB', 'GH', 'NO', 'VN']
const states = ['new', 'paid', 'packed', 'sent', 'returned']
const notes = ['', '', '', '', 'gift', '"leave it at the door, please"', '"the ""blue"" one"', '"two\nlines"']

/** Characters of the pieces in which a table is written. */
const piece = 256 * 1024

/** Writes a CSV file of at least so many bytes: an export of orders, with numbers, dates, names and quoted notes. */
export async function writeTable(path: string, bytes: number): Promise<void> {
  await pipeline(Readable.from(pieces(bytes)), createWriteStream(path))
}

function* pieces(bytes: number): Generator<Buffer> {
  const random = randomFrom(88_675_123)
  let text = header
  for (let row = 1, written = 0; written < bytes; row++) {
    text += rowOf(row, random)
    if (text.length < piece && written + text.length < bytes) continue
    const content = Buffer.from(text)
    written += content.length
    text = ''
    yield content
  }
}

function rowOf(row: number, random: () => number): string {
  const pick = (list: readonly string[]): string => list[random() % list.length]!
  const [first, last] = [pick(firstNames), pick(lastNames)]
  const day = new Date(1_577_836_800_000 + (random() % 2_000) * 86_400_000).toISOString().slice(0, 10)
  const order = random().toString(16).padStart(8, '0')
  const price = `${random() % 1_000}.${String(random() % 100).padStart(2, '0')}`
  return `${row},${order},${day},${first},${last},${first}.${last}${row}@example.com,${pick(cities)},${pick(countries)},${random() % 12},${price},${random() % 3 > 0},${pick(states)},${pick(notes)}\n`
}
