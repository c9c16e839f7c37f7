// app.ts
import Koa from 'koa'
import { createAfterwork } from 'afterwork'
import { upload } from 'afterwork/upload'
import { tasks } from './tasks.ts'

const app = new Koa()
const afterwork = createAfterwork({ tasks })
app.use(afterwork.middleware()).use(afterwork.routes())
app.use(upload({ afterwork }).single('photo')).use((ctx) => {
  ctx.body = ctx.background.addTask(tasks.photos.shrink, ctx.file)
  ctx.status = 202
})
await afterwork.start()
const server = app.listen(+(process.env['PORT'] ?? 3000), '127.0.0.1', () => console.log(server.address()))
