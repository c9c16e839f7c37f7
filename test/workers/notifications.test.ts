import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { temporaryFolder } from '../support/folder.ts'
import { write } from '../../workers/notifications.ts'

test.serial('each call appends one line, whatever is in it', async (t) => {
  const folder = await temporaryFolder(t)
  process.env['AFTERWORK_DATA'] = folder
  await write('plain')
  await write('ünïcödé 🎉')
  await write('a\nb\r\nc\u2028d\u2029e\u0085f\0g\u001b[31mh\ti')
  await write('')
  t.is(
    await readFile(join(folder, 'notifications.log'), 'utf8'),
    [
      'plain',
      'ünïcödé 🎉',
      'a\\u000ab\\u000d\\u000ac\\u2028d\\u2029e\\u0085f\\u0000g\\u001b[31mh\\u0009i',
      '',
      '',
    ].join('\n'),
  )
})

test.serial('without its folder it fails with the error of the system', async (t) => {
  process.env['AFTERWORK_DATA'] = join(await temporaryFolder(t), 'not there')
  await t.throwsAsync(write('x'), { code: 'ENOENT' })
})
