import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { StoredFile } from 'afterwork/worker'
import test from 'ava'
import sharp from 'sharp'
import { type CanvasEntry, Canvases } from '../../../workers/files/pdf/canvases.ts'
import { readPdf } from '../../../workers/files/pdf.ts'
import { greyImage, pageWith, saying, stream } from './pdf-sample.ts'
import { store } from './subject.ts'

const run = promisify(execFile)
const mebibyte = 1024 * 1024

function read(file: StoredFile) {
  const kind = { family: 'pdf', extension: 'pdf', mime: 'application/pdf' } as const
  const { signal } = new AbortController()
  return readPdf({ file, kind, signal, progress: () => {}, widths: [] })
}

/** Reads files one after another in a process of its own: how much it has grown at most after each, in bytes. */
async function growthOf(files: StoredFile[]): Promise<number[]> {
  const script = `import { readPdf } from ${JSON.stringify(import.meta.resolve('../../../workers/files/pdf.ts'))}
    const { signal } = new AbortController()
    const start = process.memoryUsage.rss()
    for (const file of ${JSON.stringify(files)}) {
      await readPdf({ file, signal, progress() {} })
      console.log(process.resourceUsage().maxRSS * 1024 - start)
    }`
  const { stdout } = await run(process.execPath, [...process.execArgv, '--eval', script])
  return stdout.trim().split('\n').map(Number)
}

const greys = Array.from({ length: 50 }, (_, index) => 4 * index)

/** A page from the bottom to the top of which so many images, of greys that repeat, lie side by side in rows of 50. */
async function strips(count: number, width: number, height: number): Promise<Buffer> {
  const rows = Math.ceil(count / greys.length)
  const names = Array.from({ length: count }, (_, index) => `/I${index}`)
  const places = names.map((name, index) => {
    const [x, y] = [11.9 * (index % greys.length), Math.floor(index / greys.length) * (842 / rows)]
    return `q 11.9 0 0 ${842 / rows} ${x} ${y} cm ${name} Do Q`
  })
  const resources = `/XObject << ${names.map((name, index) => `${name} ${6 + index} 0 R`).join(' ')} >>`
  const images = await Promise.all(greys.map((grey) => greyImage(grey, width, height)))
  return pageWith(
    resources,
    stream('', `${saying('hello')} ${places.join('\n')}`),
    names.map((_, index) => images[index % greys.length]!),
  )
}

test.serial('a page of thousands of strips is drawn in the memory of one of few', async (t) => {
  const [few, many] = [await store(t, await strips(50, 40, 8)), await store(t, await strips(4000, 40, 8))]
  const [once, then] = await growthOf([few, many])
  t.true(then! - once! < 150 * mebibyte, `${Math.round((then! - once!) / mebibyte)} MB`)

  t.like((await read(many)).pdf, { words: 1, preview: true })
  const { data, info } = await sharp(`${many.path}.page1.webp`)
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  for (const [index, grey] of greys.entries()) {
    const x = Math.floor(((index + 0.5) / greys.length) * info.width)
    for (const y of [0.1, 0.5, 0.9].map((share) => Math.floor(share * info.height)))
      t.true(Math.abs(data[y * info.width + x]! - grey) < 10, `the strip at ${x}, ${y}`)
  }
})

/** Pages that show so many images of 12 megapixels, side by side in what their content is made of. */
const places: Record<string, (count: number) => Promise<Buffer>> = {
  'on the page': async (count) => {
    const { names, draw, images } = await large(count)
    return pageWith(`/XObject << ${names} >>`, stream('', saying('hello') + draw), images)
  },
  'in a pattern': async (count) => {
    const { names, draw, images } = await large(count)
    const pattern = `/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 595 842] /XStep 595 /YStep 842 /Resources << /XObject << ${names} >> >>`
    return pageWith(
      `/Pattern << /P ${6 + count} 0 R >>`,
      stream('', `${saying('hello')} /Pattern cs /P scn 0 0 595 842 re f`),
      [...images, stream(pattern, draw)],
    )
  },
  'in a letter': async (count) => {
    const { names, draw, images } = await large(count)
    const font = `<< /Type /Font /Subtype /Type3 /FontBBox [0 0 595 842] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 65 /LastChar 65 /Widths [595] /Encoding << /Differences [65 /a] >> /CharProcs << /a ${7 + count} 0 R >> /Resources << /XObject << ${names} >> >> >>`
    // It is a resource of a form, because pageWith() gives the page its fonts.
    const form = `/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /T ${6 + count} 0 R >> >>`
    return pageWith(`/XObject << /X ${8 + count} 0 R >>`, stream('', `${saying('hello')} /X Do`), [
      ...images,
      font,
      stream('', `595 0 d0 ${draw}`),
      stream(form, 'BT /T 1000 Tf (A) Tj ET'),
    ])
  },
}

async function large(count: number) {
  const indexes = Array.from({ length: count }, (_, index) => index)
  return {
    names: indexes.map((index) => `/I${index} ${6 + index} 0 R`).join(' '),
    draw: indexes.map((index) => `q 500 0 0 40 50 ${25 * index} cm /I${index} Do Q`).join('\n'),
    images: await Promise.all(indexes.map((index) => greyImage(5 * index, 4000, 3000))),
  }
}

for (const [place, pageOf] of Object.entries(places)) {
  test.serial(`images ${place} that are too large together cost the picture and not the text`, async (t) => {
    const drawn = await read(await store(t, await pageOf(2)))
    t.is(drawn.pdf?.preview, true, '24 megapixels are drawn')
    const { pdf, variants } = await read(await store(t, await pageOf(6)))
    t.is(pdf?.preview, false)
    t.true(pdf!.words! >= 1)
    t.deepEqual(
      variants?.map(({ name }) => name),
      ['text.txt'],
    )
  })
}

test.serial('images that are too large together are given up before they are decoded', async (t) => {
  const [few, many] = [
    await store(t, await strips(50, 40, 8)),
    await store(t, await places['on the page']!(30)),
  ]
  const [once, then] = await growthOf([few, many])
  t.true(then! - once! < 150 * mebibyte, `${Math.round((then! - once!) / mebibyte)} MB`)
})

/** A page whose only group holds another one, and so on. */
function nested(depth: number): Buffer {
  const states = '/ExtGState << /E << /ca 0.9 >> >>'
  const groups = Array.from({ length: depth }, (_, index) =>
    stream(
      `/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Group << /S /Transparency /I true >> /Resources << ${states} /XObject << /G ${7 + index} 0 R >> >>`,
      index < depth - 1 ? '/E gs /G Do 0 0 100 100 re f' : '0 0 200 200 re f',
    ),
  )
  return pageWith(`${states} /XObject << /G 6 0 R >>`, stream('', `${saying('hello')} /E gs /G Do`), groups)
}

test.serial('a page whose groups are nested a hundred deep has no picture', async (t) => {
  t.like((await read(await store(t, nested(3)))).pdf, { words: 1, preview: true })
  t.like((await read(await store(t, nested(100)))).pdf, { words: 1, preview: false })
  t.like((await read(await store(t, nested(3)))).pdf, { words: 1, preview: true })
})

test.serial('a mask of a few pixels that is blown up to a hundred megapixels has no picture', async (t) => {
  const mask = stream(
    '/Type /XObject /Subtype /Image /ImageMask true /Width 8 /Height 8 /BitsPerComponent 1',
    Buffer.alloc(8, 0xaa),
  )
  const page = (size: number) =>
    pageWith(
      '/XObject << /I 6 0 R >>',
      stream('', `${saying('hello')} q ${size} 0 0 ${size} 0 0 cm /I Do Q`),
      [mask],
    )
  t.like((await read(await store(t, page(800)))).pdf, { words: 1, preview: true })
  t.like((await read(await store(t, page(6000)))).pdf, { words: 1, preview: false })
})

test('a canvas that is given back comes again as if it were new', (t) => {
  const canvases = new Canvases()
  const { canvas, context } = canvases.create(30, 20)
  const entry: CanvasEntry = { canvas, context }
  context.fillStyle = context.strokeStyle = 'red'
  context.globalAlpha = 0.5
  context.globalCompositeOperation = 'source-in'
  context.save()
  context.rect(3, 3, 4, 4)
  context.clip()
  context.transform(2, 0, 1, 2, 10, 10)
  canvases.destroy(entry)
  t.is(entry.canvas, null)

  const again = canvases.create(50, 40)
  t.is(again.canvas, canvas)
  const other = canvases.create(50, 40)
  t.not(other.canvas, canvas)
  t.is(again.context.fillStyle, '#000000')
  for (const { context: drawing } of [again, other]) {
    drawing.fill()
    drawing.fillRect(5, 5, 30, 20)
    drawing.stroke()
  }
  t.deepEqual(again.canvas.data(), other.canvas.data())
})

test('a canvas that is given back twice is lent once', (t) => {
  const canvases = new Canvases()
  const entry = canvases.create(10, 10)
  canvases.destroy({ ...entry })
  canvases.destroy({ ...entry })
  t.not(canvases.create(10, 10).canvas, canvases.create(10, 10).canvas)
})

test('canvases of more than 120 MB together are refused once, and then are one pixel', (t) => {
  const canvases = new Canvases()
  const entry = canvases.create(4000, 4000)
  t.false(canvases.isExceeded)
  t.throws(() => canvases.create(4000, 4000), { message: /^Expected .* 120000000 bytes/ })
  t.true(canvases.isExceeded)
  t.is(canvases.create(4000, 4000).canvas.width, 1)
  canvases.destroy(entry)
  t.is(canvases.create(4000, 4000).canvas.width, 4000)
  t.throws(() => canvases.create(0, 10), { instanceOf: RangeError })
  canvases.clear()
})
