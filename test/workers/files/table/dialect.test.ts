import test from 'ava'
import { dialectOf } from '../../../../workers/files/table/dialect.ts'

const log = Array.from({ length: 10 }, (_, second) => `2024-01-01 12:00:0${second},123 INFO started`)
const browsers = Array(10).fill(
  '127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326 "-" "Mozilla/5.0 (X11; Linux) (KHTML, like Gecko)"',
)

const others: Record<string, string> = {
  nothing: '',
  prose: 'Hello, world. This is a text, with commas.\nIt goes on, line by line, for a while.\nAnd ends.\n',
  'a poem':
    'Roses are red, my love\nViolets are blue, my dove\nSugar is sweet, my heart\nAnd so are you, my part\n',
  'prose with semicolons': 'It was, he said, fine; she agreed.\nThey left, then, at once; he paid.\n',
  'a letter': 'From: a@b.c\nTo: x, y\nSubject: hi, you\n',
  'a list of one column': 'a\nb\nc\n',
  'one row': 'a,b,c\n',
  'a log with commas before milliseconds': log.join('\n'),
  'a log with bars': '12:00:00 | INFO | app:main:12 - started\n12:00:01 | INFO | app:main:12 - done\n',
  'a log of requests': browsers.join('\n'),
  'a table in Markdown': '| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n',
  'a dense table in Markdown': '|a|b|\n|-|-|\n|1|2|\n|3|4|\n',
  JavaScript: "import a from 'a';\nimport b from 'b';\nconst x = 1;\nfoo(x, 2);\n",
  Python: 'import os, sys\nfrom a import b, c\ndef f(a, b):\n    return a, b\n',
  'an array in code': 'const primes = [\n  2, 3, 5,\n  7, 11, 13,\n  17, 19, 23,\n  29, 31, 37,\n]\n',
  'code that is indented by tabs': 'function f() {\n\tif (x) {\n\t\ty()\n\t}\n\treturn z\n}\n',
  'a style sheet': 'a {\n  color: red;\n  margin: 0;\n}\n',
  SQL: "INSERT INTO t VALUES (1, 'a', 2);\nINSERT INTO t VALUES (2, 'b', 3);\n",
  'JSON by lines': '{"a":1,"b":2}\n{"a":2,"b":3}\n',
  'JSON of lists': '[1,2]\n[3,4]\n',
  HTML: '<!doctype html>\n<p>a,b\n<p>c,d\n',
  subtitles: '1\n00:00:01,000 --> 00:00:02,000\nHello, you\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n',
  'a calendar': 'BEGIN:VCALENDAR\nDTSTART;TZID=Europe/Berlin:20240101\nDTEND;TZID=Europe/Berlin:20240101\n',
}

for (const [name, text] of Object.entries(others)) {
  test(`${name} is no table`, (t) => {
    t.is(dialectOf(text, true), null)
  })
}

const written: [name: string, text: string, expected: object][] = [
  ['commas', 'a,b\n1,2\n', { delimiter: ',', header: true, width: 2 }],
  ['words only', 'name,city\nJohn,Paris\nAnn,Rome\n', { delimiter: ',', header: true, width: 2 }],
  ['decimal commas', 'Name;Preis;Rabatt\nBrot;1,50;0,10\nMilch;0,99;0,20\n', { delimiter: ';', width: 3 }],
  ['tabs', 'id\tname\n1\tone, two\n2\tthree, four\n', { delimiter: '\t', header: true, width: 2 }],
  ['bars', 'a|b|c\n1|x|2\n2|y|3\n', { delimiter: '|', header: true, width: 3 }],
  ['no header', '1,2\n3,4\n', { header: false }],
  ['no header above words', 'x,1\ny,2\nz,3\n', { header: false }],
  ['years in the header', 'country,1990,1991,1992\nDE,1,2,3\nFR,2,3,4\n', { header: true }],
  ['a column without a name', ',a,b\n0,1,2\n1,3,4\n', { header: true, width: 3 }],
  ['a name that comes again below', 'a,b\nc,b\nd,b\n', { header: false }],
  ['a line that names the delimiter', 'sep=;\na;b,c\n1;2,5\n', { delimiter: ';', skip: 1, width: 2 }],
  ['quoted cells with line breaks', '"a","b"\n"x, y","multi\nline"\n"z","w"\n', { width: 2, quote: '"' }],
  ['spaces before quotes', '"a", "b"\n1, "x, y"\n2, "z"\n', { width: 2, spaced: true }],
  ['quotes that are characters', 'id\tsize\n1\t"odd\n2\t"5" wide\n3\tx\n', { delimiter: '\t', quote: null }],
  ['old line ends of the Macintosh', 'a,b\r1,2\r3,4\r', { newline: '\r', width: 2 }],
  ['line ends of Windows', 'a,b\r\n1,2\r\n3,4\r\n', { newline: '\n', width: 2 }],
  ['a byte order mark', '\ufeffa,b\n1,2\n', { width: 2 }],
  ['rows that lack cells', 'a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n', { width: 3, header: true }],
  [
    'a title above the header',
    `Sales\nJanuary 2024\n\nday;shop;sum\n${'01.01.2024;A;1,5\n'.repeat(5)}`,
    { skip: 3, width: 3, header: true },
  ],
]

for (const [name, text, expected] of written) {
  test(`a table with ${name} is one`, (t) => {
    t.like(dialectOf(text, true), expected)
  })
}

test('the last row of a sample that goes on is not judged', (t) => {
  t.is(dialectOf('a,b\n1,2', false), null)
  t.like(dialectOf('a,b\n1,2\n3', false), { width: 2 })
})

test('what nobody would write on purpose takes no time and is no error', (t) => {
  for (const piece of ['"', ',', '",', '"\n', '\0', ' ', '\r', '|-', '(', '\ud800', ' "', '1,', '\t"']) {
    t.notThrows(() => dialectOf(piece.repeat(65_536 / piece.length), false), JSON.stringify(piece))
    t.notThrows(() => dialectOf(piece.repeat(65_536 / piece.length), true), JSON.stringify(piece))
  }
})
