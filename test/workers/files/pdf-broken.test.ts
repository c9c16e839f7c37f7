import { truncate } from 'node:fs/promises'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import { Parser } from '../../../workers/files/pdf/parser.ts'
import { readPdf } from '../../../workers/files/pdf.ts'
import { assembled, deflated, onePage, saying, stream, written } from './pdf-sample.ts'
import { folderOf, store } from './subject.ts'

const { signal } = new AbortController()
const mebibyte = 1024 * 1024
const catalog = '<< /Type /Catalog /Pages 2 0 R >>'
const page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>'

function read(file: StoredFile) {
  const kind = { family: 'pdf', extension: 'pdf', mime: 'application/pdf' } as const
  return readPdf({ file, kind, signal, progress: () => {}, widths: [] })
}

const whole = await written((document) => document.text('one').addPage().text('two'))

const broken: Record<string, Buffer> = {
  'a header alone': Buffer.from('%PDF-1.7\n'),
  'half a file': whole.subarray(0, whole.length / 2),
  'a page tree that is its own child': assembled([
    catalog,
    '<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>',
  ]),
  'a catalog nested a million deep': assembled([
    `<< /Type /Catalog /Pages 2 0 R /A ${'['.repeat(1_000_000)} >>`,
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    page,
  ]),
  'an empty file': Buffer.alloc(0),
  'zeros after a header': Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(mebibyte)]),
}

for (const [name, content] of Object.entries(broken)) {
  test.serial(`${name} fails with BROKEN_PDF and leaves nothing`, async (t) => {
    const file = await store(t, content)
    const error = await t.throwsAsync(read(file), { code: 'BROKEN_PDF' })
    t.false(error?.message.includes(file.path))
    t.deepEqual(await folderOf(file), ['original'])
  })
}

test.serial('a file whose table of objects is garbage is read by looking for them', async (t) => {
  const text = whole.toString('latin1')
  const garbage = text.replace(/startxref\n\d+/, 'startxref\n7').replaceAll(/^\d{10} /gm, '9999999999 ')
  t.like((await read(await store(t, Buffer.from(garbage, 'latin1')))).pdf, { pages: 2, words: 2 })
})

test.serial(
  'a file most of whose table of objects is wrong is read, and the next one not taken for it',
  async (t) => {
    const content = (await written((document) => document.text('one').addPage().text('two'))).toString(
      'latin1',
    )
    let entries = 0
    const wrong = content.replaceAll(/^\d{10} 00000 n/gm, (entry) =>
      ++entries < 4 ? entry : '0000000020 00000 n',
    )
    for (let time = 0; time < 3; time++) {
      t.like((await read(await store(t, Buffer.from(wrong, 'latin1')))).pdf, {
        pages: 2,
        words: 2,
        preview: true,
      })
      t.like((await read(await store(t, whole))).pdf, { pages: 2, words: 2 })
    }
  },
)

test.serial('a tree that claims two thousand million pages has those that are there', async (t) => {
  const content = assembled([catalog, '<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>', page])
  t.like((await read(await store(t, content))).pdf, { pages: 1, textComplete: true })
})

test.serial('a stream that claims 100 MB is read as far as it goes', async (t) => {
  const content = onePage(stream('', saying('hello'), 100_000_000))
  t.like((await read(await store(t, content))).pdf, { words: 1, characters: 5 })
})

test.serial('a page that is missing is counted, and those before it are read', async (t) => {
  const content = assembled([
    catalog,
    '<< /Type /Pages /Kids [3 0 R 99 0 R 4 0 R] /Count 3 >>',
    ...[5, 6].map(
      (number) =>
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${number} 0 R /Resources << /Font << /F 7 0 R >> >> >>`,
    ),
    stream('', saying('one')),
    stream('', saying('three')),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ])
  t.like((await read(await store(t, content))).pdf, {
    pages: 2,
    brokenPages: 1,
    textComplete: false,
    words: 1,
    preview: true,
  })
})

test.serial(
  'a page that inflates to gigabytes fails with PDF_TOO_COMPLEX, and the next file is read',
  async (t) => {
    const bomb = onePage(stream('/Filter /FlateDecode', await deflated(Buffer.alloc(mebibyte, ' '), 1200)))
    t.true(bomb.length < 2_000_000)
    await t.throwsAsync(read(await store(t, bomb)), { code: 'PDF_TOO_COMPLEX' })
    t.like((await read(await store(t, whole))).pdf, { pages: 2, words: 2 })
  },
)

test.serial('an image that inflates to gigabytes costs the picture and not the text', async (t) => {
  const content = onePage(
    stream('', `${saying('hello')} q 595 0 0 842 0 0 cm /I Do Q`),
    stream(
      '/Type /XObject /Subtype /Image /Width 50 /Height 70 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode',
      await deflated(Buffer.alloc(mebibyte, 99), 1200),
    ),
  )
  const { pdf, variants } = await read(await store(t, content))
  t.like(pdf, { words: 1, preview: false })
  t.like(variants, [{ name: 'text.txt' }])
})

test.serial('an image of more than 16 megapixels is not drawn', async (t) => {
  const image = (width: number, height: number, pixels: Buffer) =>
    onePage(
      stream('', 'q 595 0 0 842 0 0 cm /I Do Q'),
      stream(
        `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode`,
        pixels,
      ),
    )
  const large = image(4096, 5120, await deflated(Buffer.alloc(mebibyte, 99), 20))
  t.deepEqual((await read(await store(t, large))).variants, [])
  const small = image(1024, 1024, await deflated(Buffer.alloc(mebibyte, 99), 1))
  t.like((await read(await store(t, small))).variants, [{ name: 'page1.webp' }])
})

async function busyPage(): Promise<Uint8Array<ArrayBuffer>> {
  const operators = await deflated(Buffer.from('q '.repeat(100_000)), 300)
  return Uint8Array.from(onePage(stream('/Filter /FlateDecode', operators)))
}

test.serial(
  'a page that keeps its parser busy fails with PDF_TIMEOUT, and the next file is read',
  async (t) => {
    const options = { signal, draw: false, maxSeconds: 1, onPage: () => {}, onDraw: () => {} }
    await t.throwsAsync(Parser.parse(await busyPage(), options), { code: 'PDF_TIMEOUT' })
    t.like((await read(await store(t, whole))).pdf, { pages: 2 })
  },
)

test.serial('a page that keeps its parser busy is left at once when the attempt is stopped', async (t) => {
  const controller = new AbortController()
  const reason = new Error('stopping')
  const onPage = () => controller.abort(reason)
  const result = Parser.parse(await busyPage(), {
    signal: controller.signal,
    draw: false,
    onPage,
    onDraw: () => {},
  })
  t.is(await t.throwsAsync(result), reason)
})

test.serial('a page of more than 200,000 operators has no picture, and its text is read', async (t) => {
  const page = async (operators: number) =>
    onePage(
      stream('/Filter /FlateDecode', await deflated(Buffer.from(`${saying('hello')} 0.5 g `), operators)),
    )
  t.like((await read(await store(t, await page(100)))).pdf, { words: 1, preview: true })
  t.like((await read(await store(t, await page(40_000)))).pdf, { words: 1, preview: false })
})

test.serial('endless text on a page is cut', async (t) => {
  const line = Buffer.from(
    'BT /F 12 Tf 72 72 Td (a line of text that is there again and again) Tj ET\n'.repeat(1000),
  )
  const content = onePage(stream('/Filter /FlateDecode', await deflated(line, 60)))
  const { pdf, variants } = await read(await store(t, content))
  t.false(pdf?.textComplete)
  t.true(variants![0]!.size <= 2_000_001)
})

test.serial('a file of more than 200 MB fails with PDF_TOO_LARGE', async (t) => {
  const file = await store(t, whole)
  await truncate(file.path, 200_000_001)
  await t.throwsAsync(read(file), { code: 'PDF_TOO_LARGE', message: /200000000 bytes, got 200000001/ })
})
