import { gzipSync } from 'node:zlib'
import test from 'ava'
import { codesOf, read } from './archive/subject.ts'
import { checked, tar, tarHeader } from './archive/tar-writer.ts'
import { zip } from './archive/zip-writer.ts'

test('a gzip file says what was in it, and how large that is', async (t) => {
  const text = 'To whom it may concern\n'.repeat(100)
  const content = gzipSync(text)
  const archive = await read(t, content, 'gz')
  t.deepEqual(archive, {
    format: 'gzip',
    members: 1,
    size: 2300,
    compressedSize: content.length,
    ratio: Math.round((100 * 2300) / content.length) / 100,
    complete: true,
    content: { extension: 'txt', mime: 'text/plain', encoding: 'utf-8' },
    findings: [],
    findingCounts: {},
    safe: true,
  })
})

test('the original name, comment and date of a gzip file are read from its header', async (t) => {
  const member = gzipSync('a,b\n1,2\n')
  const fixed = Buffer.from(member.subarray(0, 10))
  fixed[3] = 0b11110
  fixed.writeUInt32LE(Date.UTC(2026, 2, 2, 12) / 1000, 4)
  const extra = Buffer.from([4, 0, 65, 66, 0, 1])
  const texts = Buffer.from('größe.txt\0made by hand\0')
  const content = Buffer.concat([fixed, extra, texts, Buffer.alloc(2), member.subarray(10)])
  t.like(await read(t, content, 'gz'), {
    originalName: 'größe.txt',
    comment: 'made by hand',
    modifiedAt: '2026-03-02T12:00:00.000Z',
    size: 8,
    complete: true,
  })
})

test('an original name that leads out of the folder is TRAVERSAL', async (t) => {
  const member = gzipSync('x')
  member[3] = 8
  const content = Buffer.concat([member.subarray(0, 10), Buffer.from('../evil\0'), member.subarray(10)])
  t.like(await read(t, content, 'gz'), { safe: false, findings: [{ code: 'TRAVERSAL' }] })
})

test('several members are one content', async (t) => {
  const content = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two')])
  t.like(await read(t, content, 'gz'), { members: 3, size: 7, complete: true })
})

test('members without end are read up to 20,000', async (t) => {
  const content = Buffer.alloc(20_500 * 20, gzipSync(''))
  const archive = await read(t, content, 'gz')
  t.like(archive, { members: 20_000, complete: false, findingCounts: { TOO_MANY_MEMBERS: 1 } })
})

test('zeros after a gzip file are ignored, other bytes are TRAILING', async (t) => {
  const member = gzipSync('x')
  const zeros = await read(t, Buffer.concat([member, Buffer.alloc(1000)]), 'gz')
  t.like(zeros, { complete: true, findings: [], compressedSize: member.length })
  const more = await read(t, Buffer.concat([member, Buffer.from('and more')]), 'gz')
  t.like(more, { complete: true, safe: true, findings: [{ code: 'TRAILING' }] })
  t.regex(more.findings[0]!.message, /^8 bytes/)
})

test('a gzip file of nothing but zeros is BOMB, and is not inflated on', async (t) => {
  const archive = await read(t, gzipSync(Buffer.alloc(40_000_000)), 'gz')
  t.like(archive, { complete: false, safe: false, findingCounts: { BOMB: 1 } })
  t.true(archive.size < 12_000_000)
})

test('a log that repeats itself is no bomb', async (t) => {
  const archive = await read(t, gzipSync('GET /index.html 200\n'.repeat(2_000_000)), 'gz')
  t.like(archive, { size: 40_000_000, complete: true, safe: true })
})

test('an archive inside gzip is NESTED and not opened', async (t) => {
  for (const [inner, extension] of [
    [gzipSync('x'), 'gz'],
    [zip([{ name: '../evil' }]), 'zip'],
  ] as const) {
    const archive = await read(t, gzipSync(inner), 'gz')
    t.like(archive, { content: { extension }, findings: [{ code: 'NESTED' }], safe: true })
  }
})

test('a gzip file that is cut, damaged or has a wrong checksum fails with BROKEN_ARCHIVE', async (t) => {
  const whole = gzipSync('some text that is long enough to be cut somewhere')
  const damaged = Buffer.from(whole)
  damaged.fill(0xff, 12, 20)
  const wrong = Buffer.from(whole)
  wrong[wrong.length - 8]! ^= 1
  const shorter = Buffer.from(whole)
  shorter[whole.length - 4]! ^= 1
  const reserved = Buffer.from(whole)
  reserved[3] = 0x80
  const unnamed = Buffer.from(whole.map((byte) => byte || 1))
  unnamed[3] = 8
  const cut = [1, 5, 10, 15, whole.length - 9, whole.length - 1].map((length) => whole.subarray(0, length))
  const second = Buffer.concat([whole, whole.subarray(0, 20)])
  for (const content of [...cut, damaged, wrong, shorter, reserved, unnamed, second]) {
    await t.throwsAsync(read(t, content, 'gz'), { code: 'BROKEN_ARCHIVE', message: /^Expected a whole gzip/ })
  }
})

test('a tar is listed with types, sizes, dates and targets', async (t) => {
  const mtime = new Date('2026-03-02T12:00:00.000Z')
  const content = await tar([
    [{ name: 'docs/', type: 'directory', mtime }],
    [{ name: 'docs/größe.txt', mtime }, 'x'.repeat(1000)],
    [{ name: 'docs/link', type: 'symlink', linkname: 'größe.txt', mtime }],
    [{ name: 'hard', type: 'link', linkname: 'docs/größe.txt', mtime }],
  ])
  const modifiedAt = mtime.toISOString()
  t.deepEqual(await read(t, content, 'tar'), {
    format: 'tar',
    entries: 4,
    files: 1,
    folders: 1,
    size: 1000,
    listing: [
      { name: 'docs/', type: 'folder', size: 0, modifiedAt },
      { name: 'docs/größe.txt', type: 'file', size: 1000, modifiedAt },
      { name: 'docs/link', type: 'symlink', size: 0, modifiedAt, target: 'größe.txt' },
      { name: 'hard', type: 'hardlink', size: 0, modifiedAt, target: 'docs/größe.txt' },
    ],
    findings: [],
    findingCounts: {},
    safe: true,
  })
})

test('a tar inside gzip is listed and checked in the same pass', async (t) => {
  const content = await tar([
    [{ name: 'a.txt' }, 'x'.repeat(200_000)],
    [{ name: '../evil.txt' }, 'y'],
  ])
  const archive = await read(t, gzipSync(content), 'gz')
  t.like(archive, { content: { extension: 'tar' }, size: content.length, complete: true, safe: false })
  t.like(archive.tar, { entries: 2, files: 2, size: 200_001 })
  t.like(archive.findings, [{ code: 'TRAVERSAL', entry: 1, name: '../evil.txt' }])
})

test('links out of the folder, devices and what lies below a link are found in a tar', async (t) => {
  const content = await tar([
    [{ name: 'inside/ok', type: 'symlink', linkname: '../file' }],
    [{ name: 'out', type: 'symlink', linkname: '..' }],
    [{ name: 'out/passwd' }, 'root'],
    [{ name: 'hard', type: 'link', linkname: '/etc/passwd' }],
    [{ name: 'disk', type: 'block-device' }],
    [{ name: 'pipe', type: 'fifo' }],
  ])
  const archive = await read(t, content, 'tar')
  t.deepEqual(
    archive.findings.map(({ code, entry }) => [code, entry]),
    [
      ['SYMLINK', 1],
      ['SYMLINK', 2],
      ['HARDLINK', 3],
      ['DEVICE', 4],
      ['DEVICE', 5],
    ],
  )
  t.false(archive.safe)
})

test('a later file of the same name takes the place of an earlier one in a tar, which is not serious', async (t) => {
  const archive = await read(
    t,
    await tar([
      [{ name: 'a' }, '1'],
      [{ name: 'a' }, '2'],
    ]),
    'tar',
  )
  t.like(archive, { safe: true, findings: [{ code: 'DUPLICATE_NAME', serious: false, entry: 1 }] })
})

test('archives in a tar are NESTED, by their content', async (t) => {
  const archive = await read(
    t,
    await tar([
      [{ name: 'photo.jpg' }, gzipSync('x')],
      [{ name: 'b' }, 'PK'],
    ]),
    'tar',
  )
  t.like(archive.findings, [{ code: 'NESTED', entry: 0 }])
  t.is(archive.findings.length, 1)
})

test('long names come in pax records and in GNU headers', async (t) => {
  const long = `${'folder/'.repeat(40)}größe.txt`
  t.is((await read(t, await tar([[{ name: long }, 'x']]), 'tar')).listing[0]?.name.length, 255)
  const gnu = Buffer.concat([
    tarHeader({ name: '././@LongLink', type: 'L', size: 513 }),
    // 512 letters and a NUL: the second block is empty, and not the end.
    Buffer.alloc(1024, 0).fill('x', 0, 512),
    tarHeader({ name: 'xxx' }),
    tarHeader({ name: 'next' }),
    Buffer.alloc(1024),
  ])
  const archive = await read(t, gnu, 'tar')
  t.deepEqual(codesOf(archive), ['LONG_NAME'])
  t.is(archive.entries, 2)
})

test('the end mark ends a tar: without it NO_END, with bytes after it TRAILING', async (t) => {
  const whole = await tar([[{ name: 'a' }, 'x']])
  t.deepEqual(codesOf(await read(t, whole.subarray(0, -1024), 'tar')), ['NO_END'])
  t.deepEqual(codesOf(await read(t, Buffer.concat([whole, Buffer.alloc(9000)]), 'tar')), [])
  const more = await read(t, Buffer.concat([whole, Buffer.alloc(100), Buffer.from('garbage')]), 'tar')
  t.deepEqual(codesOf(more), ['TRAILING'])
})

test('a sparse file has its own name and size', async (t) => {
  const pax = { 'GNU.sparse.name': 'disk.img', 'GNU.sparse.realsize': '5000000' }
  const archive = await read(t, await tar([[{ name: 'GNUSparseFile.1/disk.img', pax }, 'x']]), 'tar')
  t.like(archive.listing, [{ name: 'disk.img', size: 5_000_000 }])
})

test('the map of a sparse file in an old GNU tar is not taken for its data', async (t) => {
  const sparse = tarHeader({ name: 'disk.img', type: 'S', size: 600, magic: 'ustar  ' })
  sparse[482] = 1
  sparse.write('00000050000\0', 483)
  const map = (more: number) => Buffer.alloc(512, 0).fill(more, 504, 505)
  const content = Buffer.concat([checked(sparse), map(1), map(0), Buffer.alloc(1024, 'x')])
  const archive = await read(
    t,
    Buffer.concat([content, tarHeader({ name: 'next' }), Buffer.alloc(1024)]),
    'tar',
  )
  t.deepEqual(
    archive.listing.map(({ name, type, size }) => [name, type, size]),
    [
      ['disk.img', 'file', 20_480],
      ['next', 'file', 0],
    ],
  )
})

test('an old tar without a magic number is read', async (t) => {
  const content = Buffer.concat([tarHeader({ name: 'old', magic: '' }), Buffer.alloc(1024)])
  t.like(await read(t, content, 'tar'), { entries: 1, listing: [{ name: 'old' }] })
})

test('a tar with headers that are cut, damaged, negative or too large fails with BROKEN_ARCHIVE', async (t) => {
  const whole = await tar([
    [{ name: 'a' }, 'x'.repeat(2000)],
    [{ name: 'b' }, 'y'],
  ])
  const damaged = Buffer.from(whole)
  damaged[5] = 7
  const records = (count: number) => {
    const text = Array.from({ length: count }, (_, index) => `10 k${String(index).padStart(4, '0')}=\n`).join(
      '',
    )
    return [tarHeader({ name: 'g', type: 'g', size: text.length }), padded(text)]
  }
  const record = [tarHeader({ name: 'x', type: 'x', size: 6 }), padded('6 a=b\n')]
  const file = tarHeader({ name: 'file' })
  const hostile = {
    'cut in a header': whole.subarray(0, 300),
    'cut in the data': whole.subarray(0, 1500),
    damaged,
    'no octal digits': tarHeader({ name: 'x', sizeField: 'zzzzzzzzzzz' }),
    'negative, base 256': tarHeader({ name: 'x', sizeField: Buffer.alloc(12, 0xff).fill(0, 11) }),
    'negative by pax': Buffer.concat([
      tarHeader({ name: 'x', type: 'x', size: 11 }),
      padded('11 size=-5\n'),
      file,
    ]),
    'a name of a megabyte': Buffer.concat([
      tarHeader({ name: 'x', type: 'L', size: 1_000_000 }),
      Buffer.alloc(1_000_448, 'x'),
      file,
    ]),
    'too many records': Buffer.concat([...records(2000), ...record, file]),
    'records without end': Buffer.concat([...records(500), ...Array(1000).fill(record).flat(), file]),
  }
  for (const [what, content] of Object.entries(hostile)) {
    const error = await t.throwsAsync(read(t, content, 'tar'), { code: 'BROKEN_ARCHIVE' }, what)
    t.regex(error?.message ?? '', /^Expected a whole tar archive, got .* after \d entries$/, what)
  }
  await t.throwsAsync(read(t, gzipSync(whole.subarray(0, 1500)), 'gz'), { code: 'BROKEN_ARCHIVE' })
})

function padded(text: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil(text.length / 512) * 512)
  bytes.write(text)
  return bytes
}
