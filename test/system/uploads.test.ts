import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { upload } from 'afterwork/upload'
import { listen, startAfterwork } from '../support/app.ts'
import { temporaryFolder, untilFolder } from '../support/folder.ts'
import { send } from '../support/http.ts'
import { fileForm, multipart } from '../support/multipart.ts'
import { tasks } from '../support/tasks.ts'

test('a disk that fills while an upload is written: a 507, nothing left, and uploads go on once there is room', async (t) => {
  const disk = join(await temporaryFolder(t), 'disk')
  await mkdir(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk])
  t.teardown(() => execFileSync('umount', ['--lazy', disk]))
  const files = join(disk, 'files')
  const { afterwork, events } = await startAfterwork(t, { files })
  const { url, errors } = await listen(t, afterwork, (app) => {
    const array = upload({ afterwork }).array('file')
    app.use((ctx) =>
      array(ctx as never, async () => {
        for (const file of ctx['files']) ctx.background.addTask(tasks.steps.echo.with({ delay: '1h' }), file)
        ctx.status = 202
      }),
    )
  })
  const part = (bytes: number) => ({ name: 'file', content: Buffer.alloc(bytes, 1), filename: 'a' })
  for (const form of [fileForm(Buffer.alloc(6 * 1024 ** 2)), multipart([part(1_000_000), part(4_000_000)])]) {
    const { status, json } = await send(url, form)
    t.deepEqual([status, json.code], [507, 'AFTERWORK_DISK_FULL'])
    t.deepEqual(await readdir(files), [])
  }
  const { bavail, bsize } = await statfs(disk)
  await writeFile(join(disk, 'ballast'), Buffer.alloc(bavail * bsize))
  t.is((await send(url, fileForm('x'))).status, 507)
  t.deepEqual(await readdir(files), [])
  t.is(events.of('task.added').length, 0)
  await rm(join(disk, 'ballast'))
  t.is((await send(url, fileForm('x'))).status, 202)
  await untilFolder(files, (names) => names.length === 1)
  t.deepEqual(errors, [])
})
