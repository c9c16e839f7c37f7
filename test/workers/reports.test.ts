import { readFile, rm } from 'node:fs/promises'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs'
import { summarise } from '../../workers/reports.ts'
import { folderOf, runningTask, store } from './files/subject.ts'
import { date, orders, storeTable, summariseNow } from './reports/table.ts'

function pageOf(file: StoredFile): Promise<string> {
  return readFile(`${file.path}.report.html`, 'utf8')
}

/** The text of each page of a report's PDF, and its title. */
async function pdfOf(file: StoredFile): Promise<{ pages: string[]; title: unknown }> {
  const data = new Uint8Array(await readFile(`${file.path}.report.pdf`))
  const document = await getDocument({ data, verbosity: 0 }).promise
  const pages: string[] = []
  for (let number = 1; number <= document.numPages; number++) {
    const { items } = await (await document.getPage(number)).getTextContent()
    pages.push(items.map((item) => ('str' in item ? item.str : '')).join(' '))
  }
  const { info } = await document.getMetadata()
  await document.loadingTask.destroy()
  return { pages, title: (info as Record<string, unknown>)['Title'] }
}

/** The tags of a page without their attributes. */
function tagsOf(page: string): string[] {
  return [...page.matchAll(/<(\/?[a-z][a-z0-9]*)/g)].map(([, name]) => name!)
}

/** Each chart's heading and what is written under it. */
function chartsOf(page: string): [string, string][] {
  const captions = page.matchAll(/<figcaption><h3><bdi>(.*?)<\/bdi><\/h3><p class="soft">(.*?)<\/p>/g)
  return [...captions].map(([, title, subtitle]) => [title!, subtitle!])
}

test('a table becomes a page and a PDF with what is in it and what is odd about it', async (t) => {
  const file = await storeTable(t, orders())
  const result = await summariseNow(file)

  t.like(result, { id: 'original', name: 'orders.csv', rows: 120, columns: 6, mails: [] })
  t.deepEqual(
    result.variants.map(({ name }) => name),
    ['report.html', 'report.pdf'],
  )
  t.deepEqual(result.notes, [
    '“legacy” holds nothing.',
    'Often empty: “discount” (80%).',
    '“discount” has the same value wherever it has one.',
    '“order_id” is different in each row: probably an identifier, so it has no chart.',
  ])
  const page = await pageOf(file)
  t.deepEqual(chartsOf(page), [
    ['ordered', 'Rows by week'],
    ['city', 'Rows by value'],
    ['amount', 'Rows by value'],
    ['amount over ordered', 'Mean of each week'],
  ])
  t.is(result.charts, 4)
  t.true(page.includes('<dt>Rows</dt><dd>120</dd>'))
  t.true(page.includes('made on 21 Nov 2026, 10:00 UTC'))
  t.true(page.includes('<bdi>Łódź</bdi>'))

  const { pages, title } = await pdfOf(file)
  t.is(title, 'orders.csv')
  const text = pages.join(' ')
  for (const words of ['orders.csv', '120', 'order_id', 'Łódź', 'Москва', 'amount over ordered'])
    t.true(text.includes(words), words)
  t.deepEqual((await folderOf(file)).toSorted(), ['original', 'original.report.html', 'original.report.pdf'])
  t.deepEqual(JSON.parse(JSON.stringify(result)), result)
})

test('the same file and date give the same bytes', async (t) => {
  const file = await storeTable(t, orders())
  const read = () => Promise.all(['html', 'pdf'].map((type) => readFile(`${file.path}.report.${type}`)))
  await summariseNow(file)
  const first = await read()
  await summariseNow(file)
  t.deepEqual(await read(), first)
})

test('what stands in a file and its name is text in the report, whatever it is', async (t) => {
  const shape = (names: string[], name: string) => {
    const rows = Array.from({ length: 40 }, (_, index) => [names[2 + (index % 2)], index * index, names[4]])
    return storeTable(t, [[names[0], names[1], 'third'], ...rows], name)
  }
  const plain = await shape(['a', 'b', 'c', 'd', 'e'], 'name.csv')
  const hostile = await shape(
    [
      '"></title><script>alert(1)</script>',
      '\u202Egpj.exe',
      '</svg><img src=x onerror=alert(1)>',
      'a\nb\u2066',
      '=HYPERLINK("http://example.org")',
    ],
    '</title><script>alert(1)</script>\u202E\0.csv',
  )
  await summariseNow(plain)
  await summariseNow(hostile)
  const page = await pageOf(hostile)
  t.deepEqual(tagsOf(page), tagsOf(await pageOf(plain)))
  t.notRegex(page, /<script|<img|[\u202E\u2066\0]/)
  for (const [tag] of page.matchAll(/<[^>]*>/g)) t.notRegex(tag, /\s(?:src|href|style|on\w+)\s*=/)
  t.notRegex(page, /url\(|@import/)
  t.true(page.includes('⟨U+202E⟩gpj.exe') && page.includes('a¶b⟨U+2066⟩'))
  t.true((await pdfOf(hostile)).pages[0]!.includes('‹U+202E›gpj.exe'))
})

test('letters that the PDF lacks are shown as boxes, and it says so', async (t) => {
  const rows = Array.from({ length: 40 }, (_, index) => [index % 2 === 0 ? '東京' : '大阪', index * index])
  const file = await storeTable(t, [['city', 'n'], ...rows])
  await summariseNow(file)
  const text = (await pdfOf(file)).pages.join(' ')
  t.true(text.includes('□□') && text.includes('the font of this document lacks'))
  t.true((await pageOf(file)).includes('東京'))
})

test('commas before decimals and the order of day and month are read as the profile reads them', async (t) => {
  const lines = Array.from({ length: 100 }, (_, index) => {
    const [day, month] = [1 + (index % 28), 1 + (index % 12)].map((part) => String(part).padStart(2, '0'))
    return `${month}/${day}/2024;${(index * 37) % 1000},5`
  })
  const file = await store(t, `when;amount\n${lines.join('\n')}\n`, { name: 'amounts.csv' })
  await summariseNow(file)
  const page = await pageOf(file)
  const [histogram] = page.match(/<h3><bdi>amount<\/bdi>.*?<\/figure>/s) ?? []
  const counts = [...histogram!.matchAll(/<td class="number">(\d+)<\/td>/g)].map(([, count]) => Number(count))
  t.is(
    counts.reduce((sum, count) => sum + count, 0),
    100,
  )
  t.true(counts.length >= 10)
  const [weeks] = page.match(/<h3><bdi>when<\/bdi>.*?<\/figure>/s) ?? []
  const dated = [...weeks!.matchAll(/<td class="number">(\d+)<\/td>/g)].map(([, count]) => Number(count))
  t.is(
    dated.reduce((sum, count) => sum + count, 0),
    100,
  )
})

test('at most 30 columns have charts and 200 are listed, and the report says what is left out', async (t) => {
  const columns = Array.from({ length: 230 }, (_, index) => `column ${index}`)
  const rows = Array.from({ length: 30 }, (_, row) => columns.map((_name, index) => (row * row + index) / 8))
  const file = await storeTable(t, [columns.map((name) => `${name}x`), ...rows])
  const result = await summariseNow(file)
  t.is(result.charts, 30)
  const page = await pageOf(file)
  t.is(page.match(/<th scope="row">/g)?.length, 200)
  t.true(page.includes('And 30 more columns.') && page.includes('Charts of 200 more columns are left out.'))
  t.true((await pdfOf(file)).pages.length > 5)
})

test('a table with a header only, or with values at the limits of numbers, has a report', async (t) => {
  for (const content of [
    'name,amount,city\n',
    'a,b\n1e308,1\n-1e308,2\n5e-324,3\n',
    `n,m\n${Array.from({ length: 50 }, (_, index) => `${9007199254740000 + index * 3},0.1`).join('\n')}\n`,
    `n,m\n${Array.from({ length: 50 }, (_, index) => `${index % 2 === 0 ? '-' : ''}1.${index}e308,x`).join('\n')}\n`,
    `d,m\n${Array.from({ length: 50 }, (_, index) => `000${1 + (index % 9)}-01-01,9999-12-${10 + (index % 20)}`).join('\n')}\n`,
  ]) {
    const file = await store(t, content, { name: 'odd.csv' })
    const outcome = await summariseNow(file).catch((error: { code: string }) => error.code)
    if (outcome === 'NOT_A_TABLE') continue
    t.notRegex(await pageOf(file), /NaN|Infinity|undefined/, content.slice(0, 40))
  }
})

test('what is no table is refused, and nothing is left of it', async (t) => {
  for (const content of [
    'Dear Sir or Madam,\nplease find attached nothing.\n',
    '%PDF-1.7\n%%EOF\n',
    '',
    '{"a": 1}',
  ]) {
    const file = await store(t, content, { name: 'table.csv', type: 'text/csv' })
    await t.throwsAsync(summariseNow(file), { code: 'NOT_A_TABLE' })
    t.deepEqual(await folderOf(file), ['original'])
  }
})

test('a file that has gone in the meantime is a failure with a code', async (t) => {
  const file = await storeTable(t, orders())
  await rm(file.path)
  const error = await t.throwsAsync(summariseNow(file), { code: 'FILE_GONE' })
  t.false(error.message.includes(file.path))
})

test('a task that was asked to stop stops, and leaves no report', async (t) => {
  const file = await storeTable(t, orders(5000))
  for (const stopAt of ['reading rows', 'counting for the charts', 'writing the page']) {
    const task = runningTask((_fraction, message) => {
      if (message === stopAt) task.stop(new Error(`stopped while ${stopAt}`))
    })
    await t.throwsAsync(
      task.run(() => summarise(file, { date })),
      { message: `stopped while ${stopAt}` },
    )
    t.deepEqual(await folderOf(file), ['original'])
  }
})

test('progress goes from nothing to all, never back', async (t) => {
  const fractions: number[] = []
  const task = runningTask((fraction) => fractions.push(fraction))
  await task.run(async () => summarise(await storeTable(t, orders()), { date }))
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.is(fractions.at(-1), 1)
})
