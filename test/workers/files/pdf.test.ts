import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { StoredFile } from 'afterwork/worker'
import test, { type ExecutionContext } from 'ava'
import sharp from 'sharp'
import { count } from '../../../workers/files/pdf/count.ts'
import { isoDate } from '../../../workers/files/pdf/date.ts'
import { flattenOutline } from '../../../workers/files/pdf/outline.ts'
import { readPdf, type PdfDescription } from '../../../workers/files/pdf.ts'
import { assembled, stream, written } from './pdf-sample.ts'
import { folderOf, store } from './subject.ts'

const run = promisify(execFile)

const liberation = fileURLToPath(import.meta.resolve('pdfjs-dist/standard_fonts/LiberationSans-Regular.ttf'))

function read(
  file: StoredFile,
  progress: (fraction: number, message: string) => void = () => {},
  signal = new AbortController().signal,
) {
  const kind = { family: 'pdf', extension: 'pdf', mime: 'application/pdf' } as const
  return readPdf({ file, kind, signal, progress, widths: [] })
}

async function readPages(t: ExecutionContext, pages: readonly string[]) {
  const content = await written((document) => {
    for (const [index, text] of pages.entries()) {
      if (index > 0) document.addPage()
      document.text(text)
    }
  })
  return await store(t, content)
}

function textOf(file: StoredFile): Promise<string> {
  return readFile(`${file.path}.text.txt`, 'utf8')
}

/** As read(), in a process of its own, and what that wrote to its standard error. */
async function readElsewhere(file: StoredFile, flags: string[]) {
  const script = `import { readPdf } from ${JSON.stringify(import.meta.resolve('../../../workers/files/pdf.ts'))}
    const { signal } = new AbortController()
    const { pdf } = await readPdf({ file: ${JSON.stringify(file)}, signal, progress() {} })
    console.log(JSON.stringify(pdf))`
  const args = [...process.execArgv, ...flags, '--eval', script]
  const { stdout, stderr } = await run(process.execPath, args)
  return { pdf: JSON.parse(stdout) as PdfDescription, complaints: stderr }
}

/** In grey, a byte a pixel. */
async function pictureOf(file: StoredFile): Promise<Buffer> {
  return await sharp(`${file.path}.page1.webp`).greyscale().raw().toBuffer()
}

/** How much of a picture is dark, from 0 to 1. */
function inkOf(picture: Buffer): number {
  return picture.filter((pixel) => pixel < 128).length / picture.length
}

test.serial(
  'a manual gives what it says about itself, its text and a picture of its first page',
  async (t) => {
    const content = await written(
      (document) => {
        const chapter = document.outline.addItem('Unpacking')
        chapter.addItem('What is in the box')
        document.fontSize(40).text('The kettle').fontSize(12).text('Please read this first.')
        document.addPage()
        document.outline.addItem('Boiling')
        document.text('Fill it with water.')
      },
      {
        pdfVersion: '1.7',
        lang: 'en-GB',
        tagged: true,
        info: {
          Title: 'The kettle\u0000 – a manual',
          Author: 'Zoë',
          Subject: 'Water',
          Keywords: 'kettle, tea',
          CreationDate: new Date('2024-02-29T12:15:00Z'),
        },
      },
    )
    const file = await store(t, content)

    const { pdf, variants } = await read(file)

    t.like(pdf, {
      version: '1.7',
      encrypted: false,
      locked: false,
      pages: 2,
      pageSize: { width: 210, height: 297 },
      title: 'The kettle – a manual',
      author: 'Zoë',
      subject: 'Water',
      keywords: 'kettle, tea',
      createdAt: '2024-02-29T12:15:00Z',
      language: 'en-GB',
      tagged: true,
      linearized: false,
      hasForms: false,
      hasJavaScript: false,
      signed: false,
      attachments: 0,
      outline: [
        { title: 'Unpacking', level: 1 },
        { title: 'What is in the box', level: 2 },
        { title: 'Boiling', level: 1 },
      ],
      words: 10,
      characters: 52,
      textComplete: true,
      scanned: false,
      preview: true,
    })
    t.is(await textOf(file), 'The kettle\nPlease read this first.\n\fFill it with water.\n')
    const picture = await readFile(`${file.path}.page1.webp`)
    t.deepEqual(variants, [
      { name: 'text.txt', size: 56 },
      { name: 'page1.webp', width: 1024, height: 1448, size: picture.length },
    ])
    t.like(await sharp(picture).metadata(), { format: 'webp', width: 1024, height: 1448 })
    const [red, green, blue] = await sharp(picture).raw().toBuffer()
    t.deepEqual([red, green, blue], [255, 255, 255], 'the ground is white')
    t.deepEqual(JSON.parse(JSON.stringify(pdf)), pdf)
    t.deepEqual((await folderOf(file)).toSorted(), ['original', 'original.page1.webp', 'original.text.txt'])
  },
)

test.serial('letters of every script survive, and words are counted between spaces', async (t) => {
  const file = await store(
    t,
    await written((document) => document.font(liberation).text('Žluťoučký kůň\nΚαλημέρα κόσμε\nПривет, мир')),
  )
  t.like((await read(file)).pdf, { words: 6 })
  t.is(await textOf(file), 'Žluťoučký kůň\nΚαλημέρα κόσμε\nПривет, мир\n')
})

test.serial('Helvetica, which is not in the file, is drawn as its twin that is', async (t) => {
  const draw = async (font: string) => {
    const file = await store(
      t,
      await written((document) =>
        document.font(font).fontSize(300).text('Rg', 72, 400, { baseline: 'alphabetic' }),
      ),
    )
    t.like((await read(file)).pdf, { preview: true, words: 1 })
    return await pictureOf(file)
  }
  const [outside, inside] = [await draw('Helvetica'), await draw(liberation)]
  const differing = outside.filter((pixel, index) => Math.abs(pixel - inside[index]!) > 128).length
  t.true(differing < 0.1 * inkOf(inside) * inside.length)
})

test.serial('a page without text that shows an image is a scanned one', async (t) => {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  const image = await sharp({ create: { width: 400, height: 600, channels: 3, background: 'black', noise } })
    .jpeg()
    .toBuffer()
  const scan = (width: number) => written((document) => document.image(image, 0, 0, { width }))

  const file = await store(t, await scan(560))
  const { pdf, variants } = await read(file)
  t.like(pdf, { words: 0, characters: 0, textComplete: true, scanned: true, preview: true })
  t.deepEqual(
    variants?.map(({ name }) => name),
    ['page1.webp'],
  )
  t.true(inkOf(await pictureOf(file)) > 0.2)

  const small = await read(await store(t, await scan(100)))
  t.like(small.pdf, { words: 0, scanned: false }, 'a logo is no scan')
})

test.serial('a blank page is no picture, and a document without pages no error', async (t) => {
  const blank = await store(t, await written(() => {}))
  t.deepEqual((await read(blank)).variants, [])
  const empty = await store(
    t,
    assembled(['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>']),
  )
  const { pdf, variants } = await read(empty)
  t.like(pdf, { pages: 0, words: 0, scanned: false, preview: false })
  t.deepEqual(variants, [])
})

test.serial('a PDF that needs a password is described as locked', async (t) => {
  const content = await written((document) => document.text('Secret'), {
    pdfVersion: '1.7',
    userPassword: 'sesame',
    info: { Title: 'Secret' },
  })
  const file = await store(t, content)
  t.deepEqual(await read(file), { pdf: { version: '1.7', encrypted: true, locked: true }, variants: [] })
  t.deepEqual(await folderOf(file), ['original'])
})

test.serial('a PDF with a kind of encryption that nobody knows is described as locked', async (t) => {
  const page = ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>']
  const content = assembled([...page, '<< /Filter /Adobe.PubSec /V 4 >>'], '/Encrypt 3 0 R /ID [(a) (a)]')
  t.like((await read(await store(t, content))).pdf, { encrypted: true, locked: true })
})

test.serial('a PDF that only restricts its readers is read, and says what it forbids', async (t) => {
  const content = await written((document) => document.text('Not to be printed'), {
    ownerPassword: 'sesame',
    permissions: { copying: true, annotating: true },
  })
  const file = await store(t, content)
  t.like((await read(file)).pdf, { encrypted: true, locked: false, forbidden: ['print', 'change'], words: 4 })
  t.is(await textOf(file), 'Not to be printed\n')
})

test.serial('forms, scripts, attachments and signatures are told of', async (t) => {
  const content = await written((document) => {
    document.initForm()
    document.formText('name', 72, 72, 200, 20)
    document.file(Buffer.from('a,b\n'), { name: 'data.csv' })
  })
  t.like((await read(await store(t, content))).pdf, { hasForms: true, attachments: 1, hasJavaScript: false })
  const script = assembled([
    '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>',
  ])
  t.like((await read(await store(t, script))).pdf, { hasForms: false, hasJavaScript: true })
})

test.serial(
  'a page that lies on its side, or is huge or tiny, has the size that a viewer shows',
  async (t) => {
    const page = (entries: string) =>
      assembled([
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        `<< /Type /Page /Parent 2 0 R /Contents 4 0 R ${entries} >>`,
        stream('', '0 0 10 10 re f'),
      ])
    const turned = await read(await store(t, page('/MediaBox [0 0 720 360] /Rotate 90')))
    t.deepEqual(turned.pdf?.pageSize, { width: 127, height: 254 })
    t.like(turned.variants, [{ width: 1024, height: 2048 }].slice(0, turned.variants!.length))
    t.is(turned.variants!.length, 1)
    const tiny = await read(await store(t, page('/MediaBox [0 0 10 20]')))
    t.like(tiny.variants, [{ width: 40, height: 80 }])
    const tower = await read(await store(t, page('/MediaBox [0 0 10 14400]')))
    t.true(tower.variants!.every(({ width, height }) => width! * height! <= 3_000_000))
  },
)

test.serial('progress grows from page to page', async (t) => {
  const said: [number, string][] = []
  const file = await readPages(t, ['one', 'two', 'three'])
  await read(file, (fraction, message) => said.push([fraction, message]))
  const messages = said.map(([, message]) => message)
  // Pages that come quickly are not all told of.
  t.deepEqual([messages[0], messages[1], messages.at(-1)], ['opening', 'page 1 of 3', 'drawing page 1'])
  const pages = messages.slice(1, -1)
  t.deepEqual(
    pages,
    ['page 1 of 3', 'page 2 of 3', 'page 3 of 3'].filter((page) => pages.includes(page)),
  )
  const fractions = said.map(([fraction]) => fraction)
  t.deepEqual(
    fractions,
    fractions.toSorted((a, b) => a - b),
  )
  t.true(fractions.at(-1)! <= 1)
})

test.serial(
  "a stopped attempt ends with the signal's reason and leaves nothing, and the next file is read",
  async (t) => {
    const reason = new Error('stopping')
    const file = await readPages(t, ['one', 'two', 'three'])
    for (const moment of ['opening', 'page 1 of 3', 'drawing page 1']) {
      const controller = new AbortController()
      const result = read(
        file,
        (_, message) => {
          if (message === moment) controller.abort(reason)
        },
        controller.signal,
      )
      t.is(await t.throwsAsync(result), reason, moment)
      t.deepEqual(await folderOf(file), ['original'], moment)
    }
    t.like((await read(file)).pdf, { pages: 3, words: 3 })
  },
)

test.serial('several files at a time in one thread do not meet', async (t) => {
  const words = ['one', 'two', 'three', 'four']
  const files = await Promise.all(words.map((word) => readPages(t, [word, word])))
  const results = await Promise.all(files.map((file) => read(file)))
  t.deepEqual(
    results.map(({ pdf }) => pdf?.pages),
    [2, 2, 2, 2],
  )
  t.deepEqual(
    await Promise.all(files.map(textOf)),
    words.map((word) => `${word}\n\f${word}\n`),
  )
})

test.serial('the thread that reads keeps its globals and prototypes', async (t) => {
  const state = () =>
    [globalThis, Function.prototype, Uint8Array.prototype, Map.prototype].map(Reflect.ownKeys)
  const before = state()
  await read(await readPages(t, ['one']))
  t.deepEqual(state(), before)
})

test.serial('without @napi-rs/canvas there is text, no picture and no complaint', async (t) => {
  const file = await readPages(t, ['one'])
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name === '@napi-rs/canvas') throw new Error('Expected no canvas')
      return next(name, context)
    } })`
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const { pdf, complaints } = await readElsewhere(file, flags)
  t.like(pdf, { words: 1, preview: false })
  t.is(complaints, '')
})

test('dates keep the offset they have', (t) => {
  const dates = {
    "D:20240229131500+01'00'": '2024-02-29T13:15:00+01:00',
    'D:20240229131500-0330': '2024-02-29T13:15:00-03:30',
    'D:20240229131500Z': '2024-02-29T13:15:00Z',
    "D:20240229131500Z00'00'": '2024-02-29T13:15:00Z',
    'D:20240229131500': '2024-02-29T13:15:00',
    'D:2024': '2024-01-01T00:00:00',
    '2024-02-29T13:15:00.123+01:00': '2024-02-29T13:15:00+01:00',
    'D:20230229131500Z': undefined,
    'D:20240229251500Z': undefined,
    "D:20240229131500+99'99'": undefined,
    yesterday: undefined,
    '': undefined,
  }
  for (const [text, expected] of Object.entries(dates)) t.is(isoDate(text), expected, text)
  t.is(isoDate(20240229), undefined)
})

test('an outline is cut after 200 entries, however deep or wide', (t) => {
  interface Node {
    title: string
    items: Node[]
  }
  let deep: Node = { title: 'end', items: [] }
  for (let level = 0; level < 100_000; level++) deep = { title: `t${level}`, items: [deep] }
  const wide = Array.from({ length: 100_000 }, (_, index) => ({ title: `t${index}`, items: [] }))
  for (const outline of [[deep], wide]) t.is(flattenOutline(outline).length, 200)
  t.is(flattenOutline([deep]).at(-1)?.level, 200)
  t.deepEqual(flattenOutline([{ title: '', items: [{ title: 'x'.repeat(500), items: [] }] }]), [
    { title: 'x'.repeat(200), level: 2 },
  ])
})

test('control characters are left out of the text, and code points counted', (t) => {
  t.deepEqual(count('a\u0000b\u{1f600} \u0085c\f\n'), { text: 'ab\u{1f600} c\n', words: 2, characters: 5 })
})
