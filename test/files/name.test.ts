import test from 'ava'
import { downloadName, storedName, storedType } from '../../src/files/name.ts'

test('a name is stored as it is up to 255 characters', (t) => {
  for (const name of [
    '',
    '..',
    '../../etc/passwd',
    'a\0b\r\nc',
    'photo\u202Egpj.exe',
    '\uD800',
    'x'.repeat(255),
  ])
    t.is(storedName(name), name)
})

test('a longer name is cut, and never within a character', (t) => {
  t.is(storedName('x'.repeat(4_096)), 'x'.repeat(255))
  t.is(storedName('🎉'.repeat(300)), '🎉'.repeat(255))
  t.is(storedName(`${'x'.repeat(254)}🎉🎉`), `${'x'.repeat(254)}🎉`)
})

test('a media type that is longer than any is not stored', (t) => {
  t.is(storedType('image/svg+xml'), 'image/svg+xml')
  t.is(storedType(`image/${'x'.repeat(300)}`), 'application/octet-stream')
})

const downloads: [name: string, saved: string][] = [
  ['holiday 2024.jpg', 'holiday 2024.jpg'],
  ['Ünïcödé 文件 שלום 🎉.txt', 'Ünïcödé 文件 שלום 🎉.txt'],
  ['👨‍👩‍👧.png', '👨‍👩‍👧.png'],
  ['../../etc/passwd', '.._.._etc_passwd'],
  ['..\\win.ini', '.._win.ini'],
  ['a\r\nX-Evil: 1', 'a__X-Evil: 1'],
  ['a\0b\u007F\u0085', 'a_b__'],
  ['photo\u202Egpj.exe', 'photo_gpj.exe'],
  ['a\u2028b\uD800', 'a_b_'],
  ['', 'file'],
  ['..', 'file'],
  [' . ', 'file'],
]

for (const [name, saved] of downloads)
  test(`${JSON.stringify(name)} is saved as ${saved}`, (t) => t.is(downloadName(name), saved))
