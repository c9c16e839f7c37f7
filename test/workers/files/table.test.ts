import { readFile, rm, truncate } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import { processFile } from '../../../workers/files.ts'
import { readTable } from '../../../workers/files/table.ts'
import type { Dialect } from '../../../workers/files/table/dialect.ts'
import { readRows } from '../../../workers/files/table/rows.ts'
import { TableProfiler } from '../../../workers/files/table/profiler.ts'
import { TableScanner } from '../../../workers/files/table/scanner.ts'
import { runningTask, store } from './subject.ts'
import { plain } from './table/subject.ts'

const silent = { signal: new AbortController().signal, progress: () => {} }

async function tableOf(t: ExecutionContext, content: Uint8Array | string, encoding = 'utf-8') {
  const file = await store(t, content)
  const kind = { family: 'table', extension: 'csv', mime: 'text/csv', encoding } as const
  const { table } = await readTable({ file, kind, widths: [], ...silent })
  return { table: table!, file }
}

const orders = `order,customer,price,date,paid
1001,"Smith, ""Jo""",12.50,2024-01-31,true
1002,Müller,7.25,2024-02-29,false
1003,,N/A,2023-12-24,true
1004,Ōsaka,100
`

test('a table tells how it is written and what is in it, and its file stays as it was', async (t) => {
  const file = await store(t, orders, { name: 'photo.jpg', type: 'image/jpeg' })
  const result = await processFile(file)
  t.like(result.kind, { family: 'table', extension: 'csv', mime: 'text/csv', encoding: 'utf-8' })
  t.like(result.table, {
    encoding: 'utf-8',
    delimiter: ',',
    header: true,
    rows: 4,
    width: 5,
    ragged: { count: 1, first: 5, shorter: 1, longer: 0 },
  })
  t.deepEqual(
    result.table!.columns.map(({ name, type, nulls, min, max }) => [name, type, nulls, min, max]),
    [
      ['order', 'integer', 0, 1001, 1004],
      ['customer', 'string', 1, 'Müller', 'Ōsaka'],
      ['price', 'number', 1, 7.25, 100],
      ['date', 'date', 0, '2023-12-24', '2024-02-29'],
      ['paid', 'boolean', 0, 'false', 'true'],
    ],
  )
  t.deepEqual(JSON.parse(JSON.stringify(result)), result)
  t.is(await readFile(file.path, 'utf8'), orders)
})

test('an encoding makes no difference, nor does a byte order mark', async (t) => {
  const utf16 = Buffer.from(`\ufeff${orders}`, 'utf16le')
  const { encoding: _, ...expected } = (await tableOf(t, orders)).table
  t.like((await tableOf(t, `\ufeff${orders}`)).table, expected)
  t.like((await tableOf(t, utf16, 'utf-16le')).table, expected)
  t.like((await tableOf(t, utf16.swap16(), 'utf-16be')).table, expected)
  const western = orders.replaceAll('Ō', 'O').replaceAll('7.25', '€7.25')
  const bytes = Buffer.from(western.replaceAll('€', '\u0080'), 'latin1')
  const { encoding: __, ...expectedWestern } = (await tableOf(t, western)).table
  t.like((await tableOf(t, bytes, 'windows-1252')).table, expectedWestern)
})

test('characters of several bytes come through wherever a chunk ends', async (t) => {
  const row = (index: number) => `${'x'.repeat(index % 4)}漢字é😀,${index}\n`
  const content = `word,number\n${Array.from({ length: 60_000 }, (_, index) => row(index)).join('')}`
  t.true(content.length > 3 * 256 * 1024)
  for (const encoding of ['utf-8', 'utf-16le'] as const) {
    const { table } = await tableOf(
      t,
      Buffer.from(content, encoding === 'utf-8' ? 'utf8' : 'utf16le'),
      encoding,
    )
    t.is(table.rows, 60_000)
    t.deepEqual(
      table.columns[0]!.top!.map(({ value }) => value.replaceAll('x', '')),
      Array(4).fill('漢字é😀'),
    )
  }
})

test('bytes that are no text in the encoding do not stop a table', async (t) => {
  const broken = Buffer.concat([Buffer.from('a,b\n1,x'), Buffer.from([0xff, 0xc3]), Buffer.from('\n2,y\n')])
  const { table } = await tableOf(t, broken)
  t.is(table.rows, 2)
  t.deepEqual(table.columns[1]!.top![0], { value: 'x\ufffd\ufffd', count: 1 })
})

test('a byte order mark within a table is a character, also where a chunk begins', async (t) => {
  const before = `a,b\n${'1,x\n'.repeat(65_534)}1,`
  const padded = `${before}${'y'.repeat(256 * 1024 - before.length)}`
  const { table } = await tableOf(t, `${padded}\ufeff\n`)
  t.is(table.columns[1]!.top![1]!.value, `${'y'.repeat(2)}\ufeff`)
})

const good = 'id,name,price\n1,a,2.5\n2,b,3.5\n3,c,4.5\n'

test('an endless quote fails with its code and the row where it opens', async (t) => {
  const file = await store(t, `${good}4,"d,5.5\n${'5,e,6.5\n'.repeat(200_000)}`)
  const error = await t.throwsAsync(processFile(file), {
    code: 'TABLE_ENDLESS_QUOTE',
    message: /row 5 /,
  })
  t.false(error?.message.includes(file.path))
})

test('a file that ends within quotes is read to its end, and says so', async (t) => {
  const { table } = await tableOf(t, `${good}4,"d\n5,e`)
  t.like(table, { rows: 4, quotes: { stray: 0, unclosed: 5 }, ragged: { count: 1, first: 5 } })
})

test('a row without an end fails with its code', async (t) => {
  await t.throwsAsync(processFile(await store(t, good + 'x'.repeat(2_000_000))), {
    code: 'TABLE_ROW_TOO_LONG',
    message: /row 5$/,
  })
})

test('a row of too many cells fails with its code', async (t) => {
  await t.throwsAsync(processFile(await store(t, good + ','.repeat(20_000))), { code: 'TABLE_TOO_WIDE' })
})

test('what is no table is refused by a code', async (t) => {
  await t.throwsAsync(tableOf(t, 'no table at all\n'), { code: 'NOT_A_TABLE' })
})

test('a file that became shorter or went away since is no dead worker', async (t) => {
  const { file } = await tableOf(t, good)
  await truncate(file.path, 20)
  const kind = { family: 'table', extension: 'csv', mime: 'text/csv' } as const
  const { table } = await readTable({ file, kind, widths: [], ...silent })
  t.is(table!.rows, 1)
  await rm(file.path)
  await t.throwsAsync(readTable({ file, kind, widths: [], ...silent }), { code: 'ENOENT' })
})

test('progress grows with what was read', async (t) => {
  const said: [number, string][] = []
  const task = runningTask((fraction, message) => said.push([fraction, message]))
  const file = await store(t, good + '4,d,5.5\n'.repeat(100_000))
  await task.run(() => processFile(file))
  const fractions = said.map(([fraction]) => fraction)
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.is(fractions.at(-1), 1)
  t.true(said.filter(([, message]) => message === 'reading rows').length >= 4)
})

test("a stopped attempt ends with the signal's reason, between chunks", async (t) => {
  const reason = new Error('stopping')
  const file = await store(t, good + '4,d,5.5\n'.repeat(100_000))
  const task = runningTask((_, message) => {
    if (message === 'reading rows') task.stop(reason)
  })
  t.is(await t.throwsAsync(task.run(() => processFile(file))), reason)
})

test('rows can be read once more, without the header and as they are', async (t) => {
  const content = `sep=;\nname;value\n"a;b";1,5\n\nc\n${'d; 2\n'.repeat(200_000)}`
  const { table, file } = await tableOf(t, content)
  const batches: string[][][] = []
  for await (const batch of readRows(file.path, table.encoding, table, silent)) batches.push(batch)
  t.true(batches.length > 1)
  const rows = batches.flat()
  t.is(rows.length, 200_002)
  t.is(table.rows, rows.length)
  t.deepEqual(rows.slice(0, 3), [['a;b', '1,5'], ['c'], ['d', ' 2']])
})

test('rows that are read once more heed the signal and tell how far they are', async (t) => {
  const { table, file } = await tableOf(t, good + '4,d,5.5\n'.repeat(200_000))
  const stopping = new AbortController()
  const reason = new Error('stopping')
  const bytes: number[] = []
  const options = { signal: stopping.signal, progress: (read: number) => bytes.push(read) }
  const reading = async () => {
    for await (const _ of readRows(file.path, 'utf-8', table, options)) stopping.abort(reason)
  }
  t.is(await t.throwsAsync(reading()), reason)
  t.deepEqual(bytes, [256 * 1024])
})

test.serial('two hundred megabytes of different values leave no more behind than ten', async (t) => {
  t.timeout(150_000)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const width = 9
  const dialect: Dialect = { ...plain, delimiter: ',', header: false, width }
  const profiler = new TableProfiler(dialect)
  const scanner = new TableScanner(dialect, (row) => profiler.add(row))
  let fed = 0
  let rows = 0
  const feed = async (bytes: number) => {
    while (fed < bytes) {
      let chunk = ''
      const category = `a category that is new with each chunk: ${Math.floor(fed / (256 * 1024))}`
      for (; chunk.length < 256 * 1024; rows++) {
        // Ever greater, ever longer in words: what is kept as the greatest changes all the time.
        const mark = `zz${String(rows).padStart(9, '0')}`
        chunk += `${rows},${mark}-${'x'.repeat(20)},"${mark} ""q""",${mark.repeat(20)},${rows / 8},${mark},${rows},y,${category}\n`
      }
      fed += chunk.length
      scanner.write(chunk)
    }
    // What the test itself has going on in the background comes to its end.
    for (let turn = 0; turn < 3; turn++) {
      await setImmediate()
      collect()
    }
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const early = await feed(10_000_000)
  const late = await feed(200_000_000)
  scanner.end()
  const content = profiler.end()
  t.is(content.rows, rows)
  t.is(content.width, width)
  t.true(late - early < 10_000_000, `${late - early} bytes more after twenty times as much`)
})
