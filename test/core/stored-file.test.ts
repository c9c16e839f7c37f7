import test from 'ava'
import { newId } from '../../src/core/id.ts'
import { storedFilesIn, type StoredFile } from '../../src/core/stored-file.ts'

function storedFile(id = newId()): StoredFile {
  return { id, name: '../a photo.jpg', type: 'image/jpeg', size: 5, path: `/data/files/${id}` }
}

test('stored files are found wherever they are among the arguments', (t) => {
  const [a, b, c] = [storedFile(), storedFile(), storedFile()]
  t.deepEqual(storedFilesIn([a, { attachments: [b, { inner: c }] }, 'text', 7, null, undefined]), [a, b, c])
})

test('a file that is named twice is found once', (t) => {
  const file = storedFile()
  t.deepEqual(storedFilesIn([file, { again: { ...file } }]), [file])
})

test('what has more than a stored file is one still', (t) => {
  const file = { ...storedFile(), width: 10 }
  t.deepEqual(storedFilesIn([file]), [file])
})

const lookalikes: Record<string, object> = {
  'an id that is none of ours': { ...storedFile(), id: 'photo', path: '/data/files/photo' },
  'a path that does not end in its id': { ...storedFile(), path: '/etc/passwd' },
  'no path': { ...storedFile(), path: undefined },
  'a size that is text': { ...storedFile(), size: '5' },
  'no name': { ...storedFile(), name: undefined },
  'no type': { ...storedFile(), type: undefined },
}
for (const [what, value] of Object.entries(lookalikes)) {
  test(`an object with ${what} is no stored file`, (t) => {
    t.deepEqual(storedFilesIn([value, [value]]), [])
  })
}

test('the search ends, also in what contains itself, and looks four levels deep', (t) => {
  const file = storedFile()
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  t.deepEqual(storedFilesIn([cycle, new Uint8Array(1_000)]), [])
  t.deepEqual(storedFilesIn([[[[[file]]]]]), [])
  t.deepEqual(storedFilesIn([[[[file]]]]), [file])
})
