import { crc32, gzipSync } from 'node:zlib'
import test from 'ava'
import { codesOf, read } from './archive/subject.ts'
import { zip, type ZipEntry } from './archive/zip-writer.ts'

test('a zip is listed with sizes, methods, dates and checksums, and verified', async (t) => {
  const content = zip(
    [
      { name: 'docs/' },
      { name: 'docs/letter.txt', data: 'To whom it may concern\n'.repeat(10), deflate: true },
      { name: 'docs/photo.jpg', data: 'not compressed' },
    ],
    { comment: 'made by hand' },
  )
  const archive = await read(t, content, 'zip')
  t.deepEqual(archive, {
    format: 'zip',
    entries: 3,
    files: 2,
    folders: 1,
    size: 244,
    listing: [
      {
        name: 'docs/',
        type: 'folder',
        size: 0,
        compressedSize: 0,
        method: 'store',
        modifiedAt: '2026-03-02T12:00:00.000Z',
      },
      {
        name: 'docs/letter.txt',
        type: 'file',
        size: 230,
        compressedSize: 28,
        method: 'deflate',
        modifiedAt: '2026-03-02T12:00:00.000Z',
        crc: '98d07281',
      },
      {
        name: 'docs/photo.jpg',
        type: 'file',
        size: 14,
        compressedSize: 14,
        method: 'store',
        modifiedAt: '2026-03-02T12:00:00.000Z',
        crc: '6a72ba31',
      },
    ],
    compressedSize: 42,
    ratio: 5.81,
    comment: 'made by hand',
    encrypted: 0,
    zip64: false,
    verified: { entries: 2, bytes: 244, complete: true, bad: 0 },
    findings: [],
    findingCounts: {},
    safe: true,
  })
  t.deepEqual(JSON.parse(JSON.stringify(archive)), archive)
})

test('an empty zip has no entries, and is no error', async (t) => {
  t.like(await read(t, zip([]), 'zip'), { entries: 0, listing: [], safe: true })
})

test('a zip with the records for large archives is read like any other', async (t) => {
  const archive = await read(t, zip([{ name: 'a.txt', data: 'a' }], { zip64: true }), 'zip')
  t.like(archive, { zip64: true, entries: 1, safe: true, verified: { entries: 1, complete: true } })
})

test('names are decoded as UTF-8 where they are, else as code page 437, else as they claim', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'grün.txt' },
      { name: Buffer.from('blå.txt') },
      { name: Buffer.from('gr\x81n.txt', 'latin1') },
      { name: Buffer.from('bad\xff.txt', 'latin1'), both: { flags: 0x800 } },
    ]),
    'zip',
  )
  t.deepEqual(
    archive.listing.map(({ name }) => name),
    ['grün.txt', 'blå.txt', 'grün.txt', 'bad\ufffd.txt'],
  )
  t.like(archive.findings, [
    { code: 'DUPLICATE_NAME', entry: 2 },
    { code: 'NAME_ENCODING', entry: 3 },
  ])
})

const escaping: [string, string | Buffer][] = [
  ['a parent folder', '../evil.txt'],
  ['a parent folder further on', 'a/../../evil.txt'],
  ['an absolute path', '/etc/passwd'],
  ['a drive letter', 'C:evil.txt'],
  ['backslashes', '..\\evil.txt'],
  ['a share of Windows', '\\\\server\\share\\evil.txt'],
  ['a NUL', 'photo.jpg\0.exe'],
  ['full-width dots', '．．/evil.txt'],
  ['overlong UTF-8', Buffer.from('\xc0\xae\xc0\xae\xc0\xafevil.txt', 'latin1')],
]
for (const [what, name] of escaping) {
  test(`a name that leads out of the folder by ${what} is TRAVERSAL`, async (t) => {
    const archive = await read(t, zip([{ name: 'fine.txt' }, { name }]), 'zip')
    t.like(archive, { safe: false, findings: [{ code: 'TRAVERSAL', serious: true, entry: 1 }] })
  })
}

test('the name in a Unicode extra field counts, and so does the one that it replaces', async (t) => {
  const unicodePath = (plain: string, unicode: string) => {
    const extra = Buffer.alloc(9)
    extra.writeUInt16LE(0x7075, 0)
    extra.writeUInt16LE(5 + Buffer.byteLength(unicode), 2)
    extra.writeUInt8(1, 4)
    extra.writeUInt32LE(crc32(plain), 5)
    return { name: plain, both: { extra: Buffer.concat([extra, Buffer.from(unicode)]) } }
  }
  const archive = await read(t, zip([unicodePath('fine', '../a'), unicodePath('../b', 'harmless')]), 'zip')
  t.deepEqual(
    archive.listing.map(({ name }) => name),
    ['../a', 'harmless'],
  )
  t.is(archive.findingCounts.TRAVERSAL, 2)
})

test('names that merely have dots are fine', async (t) => {
  const names = ['a..b', '...', 'a/..b/c..', './d', 'v1.2.3/x', 'Kapitel 1…']
  const archive = await read(t, zip(names.map((name) => ({ name }))), 'zip')
  t.like(archive, { safe: true, findings: [] })
})

test('a backslash within a name is BACKSLASH, and not serious', async (t) => {
  const archive = await read(t, zip([{ name: 'folder\\file.txt' }]), 'zip')
  t.like(archive, { safe: true, findings: [{ code: 'BACKSLASH', serious: false }] })
})

test('a symbolic link that points out of the folder is SYMLINK, one that stays inside is listed', async (t) => {
  const link = (name: string, data: string): ZipEntry => ({ name, data, mode: 0o120777 })
  const archive = await read(
    t,
    zip([
      link('a/inside', '../b'),
      link('a/outside', '../../b'),
      link('absolute', '/etc/passwd'),
      { name: 'a/inside/file.txt' },
      link('long', 'x'.repeat(5000)),
    ]),
    'zip',
  )
  t.deepEqual(
    archive.listing.map(({ type, target }) => [type, target]),
    [
      ['symlink', '../b'],
      ['symlink', '../../b'],
      ['symlink', '/etc/passwd'],
      ['file', undefined],
      ['symlink', undefined],
    ],
  )
  const found = archive.findings.filter(({ code }) => code === 'SYMLINK').map(({ entry }) => entry)
  t.deepEqual(found, [3, 4, 1, 2])
  t.false(archive.safe)
})

test('devices and pipes are no files', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'disk', mode: 0o060644 },
      { name: 'pipe', mode: 0o010644 },
    ]),
    'zip',
  )
  t.deepEqual(
    archive.listing.map(({ type }) => type),
    ['device', 'pipe'],
  )
  t.like(archive, { files: 0, safe: false, findingCounts: { DEVICE: 2 } })
})

test('equal names are DUPLICATE_NAME, those that differ in case or accents CASE_COLLISION', async (t) => {
  const names = ['a.txt', './a.txt', 'A.TXT', 'e\u0301', '\u00e9', 'folder/', 'folder/', 'b.txt']
  const archive = await read(t, zip(names.map((name) => ({ name }))), 'zip')
  t.deepEqual(
    archive.findings.map(({ code, serious, entry }) => [code, serious, entry]),
    [
      ['DUPLICATE_NAME', true, 1],
      ['CASE_COLLISION', false, 2],
      ['CASE_COLLISION', false, 4],
    ],
  )
})

test('names that act on a terminal or hide their ending are CONTROL_CHARACTERS, and shown without', async (t) => {
  const archive = await read(t, zip([{ name: 'photo\u202egpj.exe' }, { name: '\x1b[2Jx' }]), 'zip')
  t.like(archive, { safe: false, findingCounts: { CONTROL_CHARACTERS: 2 } })
  t.deepEqual(
    archive.listing.map(({ name }) => name),
    ['photo\ufffdgpj.exe', '\ufffd[2Jx'],
  )
})

test('names that most file systems refuse are LONG_NAME', async (t) => {
  const names = ['x'.repeat(256), 'ü'.repeat(128), `${'folder/'.repeat(700)}x`, 'y'.repeat(255)]
  const archive = await read(t, zip(names.map((name) => ({ name }))), 'zip')
  t.deepEqual(
    archive.findings.map(({ code, entry }) => [code, entry]),
    [
      ['LONG_NAME', 0],
      ['LONG_NAME', 1],
      ['LONG_NAME', 2],
    ],
  )
})

test('entries that share their data are OVERLAP', async (t) => {
  const kernel = { name: 'a', data: 'x'.repeat(100) }
  const quoting: ZipEntry = { name: 'b', data: '', central: { offset: 0, size: 100, compressedSize: 100 } }
  t.true(codesOf(await read(t, zip([kernel, quoting]), 'zip')).includes('OVERLAP'))

  const reaching: ZipEntry = { name: 'c', data: 'x', both: { size: 60, compressedSize: 60 } }
  t.like((await read(t, zip([reaching]), 'zip')).findings, [{ code: 'OVERLAP', serious: true, entry: 0 }])
})

test('an entry, and an archive, that is very much larger when unpacked is BOMB, and is not inflated', async (t) => {
  const bomb = zip([{ name: 'zeros', data: Buffer.alloc(110_000_000), deflate: true }])
  const archive = await read(t, bomb, 'zip')
  t.deepEqual(
    archive.findings.map(({ code, entry }) => [code, entry]),
    [
      ['BOMB', 0],
      ['BOMB', undefined],
    ],
  )
  const many = zip(
    Array.from({ length: 60 }, (_, index) => ({
      name: `${index}`,
      data: 'x',
      central: { size: 0xfffffff0 },
      local: { size: 0xfffffff0 },
      both: { method: 8, compressedSize: 1 },
    })),
  )
  const declared = await read(t, many, 'zip')
  t.is(declared.verified.bytes, 0)
  t.like(declared, { safe: false, findingCounts: { BOMB: 61 } })
  t.is(declared.findings.length, 11, 'ten of the entries, and the archive')
})

test('an entry that inflates to more or less than it declares is LYING_SIZE, and is left at that', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'more', data: Buffer.alloc(50_000_000), deflate: true, both: { size: 10 } },
      { name: 'less', data: 'abc', deflate: true, both: { size: 1000 } },
      { name: 'stored', data: 'abcdef', both: { size: 3 } },
    ]),
    'zip',
  )
  t.deepEqual(
    archive.findings.map(({ code, entry }) => [code, entry]),
    [
      ['LYING_SIZE', 0],
      ['LYING_SIZE', 1],
      ['LYING_SIZE', 2],
    ],
  )
  t.is(archive.verified.bad, 3)
  t.true(archive.verified.bytes < 1_000_000, 'the rest of the bomb stays packed')
})

test('headers before the data that differ from the directory are LYING_SIZE and LYING_HEADER', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'size', data: 'abc', local: { size: 4, compressedSize: 4 } },
      { name: 'name', data: 'abc', local: { name: Buffer.from('else') } },
      { name: 'method', data: 'abc', local: { method: 8 } },
      { name: 'checksum', data: 'abc', local: { crc: 1 } },
      {
        name: 'streamed',
        data: 'abc',
        both: { flags: 0x808 },
        local: { size: 0, compressedSize: 0, crc: 0 },
      },
    ]),
    'zip',
  )
  t.deepEqual(
    archive.findings.map(({ code, entry }) => [code, entry]),
    [
      ['LYING_SIZE', 0],
      ['LYING_HEADER', 1],
      ['LYING_HEADER', 2],
      ['LYING_HEADER', 3],
    ],
  )
})

test('damaged entries are CORRUPT, and the others are read all the same', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'fine', data: 'abc' },
      { name: 'checksum', data: 'abc', both: { crc: 1 } },
      { name: 'deflate', data: '\xff\xff\xff', both: { method: 8 } },
      { name: 'nowhere', data: 'abc', central: { offset: 7 } },
    ]),
    'zip',
  )
  t.deepEqual(
    archive.findings.filter(({ code }) => code === 'CORRUPT').map(({ entry }) => entry),
    [3, 1, 2],
  )
  t.deepEqual(archive.verified, { entries: 3, bytes: 6, complete: false, bad: 3 })
})

test('encrypted entries and unknown methods are listed, and not verified', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'secret', data: 'x'.repeat(20), both: { flags: 1, size: 8 } },
      { name: 'packed', data: 'xyz', both: { method: 14 } },
      { name: 'odd', data: 'xyz', both: { method: 77 } },
    ]),
    'zip',
  )
  t.like(archive, { encrypted: 1, safe: true, verified: { entries: 0, complete: false } })
  t.deepEqual(
    archive.listing.map(({ method, encrypted }) => [method, encrypted]),
    [
      ['store', true],
      ['lzma', undefined],
      ['method 77', undefined],
    ],
  )
  t.deepEqual(codesOf(archive), ['ENCRYPTED', 'UNSUPPORTED_METHOD'])
})

test('archives inside, by name or by content, are NESTED and not opened', async (t) => {
  const archive = await read(
    t,
    zip([
      { name: 'inner.zip', data: zip([{ name: 'x' }]) },
      { name: 'holiday.jpg', data: gzipSync('x') },
      { name: 'later.rar', both: { flags: 1 } },
      { name: 'zip.txt', data: 'PK is how it begins' },
    ]),
    'zip',
  )
  const nested = archive.findings.filter(({ code }) => code === 'NESTED').map(({ entry }) => entry)
  t.deepEqual(nested, [0, 2, 1])
  t.true(archive.safe)
})

test('bytes before and after the archive are PREFIX and TRAILING, and it is found between them', async (t) => {
  for (const zip64 of [false, true]) {
    const content = zip([{ name: 'a', data: 'abc' }], {
      prefix: Buffer.alloc(100_000, 'MZ'),
      trailing: Buffer.alloc(50_000, 'z'),
      comment: 'in the middle',
      zip64,
    })
    const archive = await read(t, content, 'zip')
    t.deepEqual(codesOf(archive), ['PREFIX', 'TRAILING'])
    t.like(archive, { entries: 1, comment: 'in the middle', verified: { bad: 0, complete: true } })
    t.true(archive.findings[0]?.message.startsWith('100000 bytes'))
    t.true(archive.findings[1]?.message.startsWith('50000 bytes'))
  }
})

test('an archive before the archive is a serious PREFIX: programs that read from the front see that one', async (t) => {
  const before = zip([{ name: 'other', data: 'evil' }])
  for (const entries of [[], [{ name: 'seen' }]]) {
    const archive = await read(t, zip(entries, { prefix: before }), 'zip')
    t.like(archive, { entries: entries.length, safe: false, findings: [{ code: 'PREFIX', serious: true }] })
  }
})

test('entries that the end does not count are LYING_COUNT', async (t) => {
  const archive = await read(t, zip([{ name: 'seen' }, { name: 'hidden' }], { entries: 1 }), 'zip')
  t.like(archive, { entries: 1, safe: false, findings: [{ code: 'LYING_COUNT' }] })
})

test('a list is cut, and its findings too, however many there are', async (t) => {
  const names = Array.from({ length: 3000 }, (_, index) => ({ name: `../${index}/${'长'.repeat(200)}` }))
  const archive = await read(t, zip(names), 'zip')
  t.like(archive, { entries: 3000, findingCounts: { TRAVERSAL: 3000 } })
  t.true(archive.listing.length < 1000)
  t.true(archive.findings.length <= 50)
  t.true(Buffer.byteLength(JSON.stringify(archive)) < 1_000_000)
})

test('only the first thousand of many entries are listed', async (t) => {
  const names = Array.from({ length: 2500 }, (_, index) => ({ name: `${index}`, data: 'x' }))
  const archive = await read(t, zip(names), 'zip')
  t.is(archive.listing.length, 1000)
  t.like(archive, { entries: 2500, verified: { entries: 2000, complete: false } })
})
