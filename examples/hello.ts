/** The seed of the idea: the answer comes at once, the work reports when it is done. Try: node examples/hello.ts */
import Koa from 'koa'
import { createAfterwork } from 'afterwork'
import { tasks } from './hello/tasks.ts'

const app = new Koa()
const afterwork = createAfterwork({ tasks })

app.use(afterwork.middleware())
app.use((ctx) => {
  ctx.background.addTask(tasks.slow.work, 5)
  ctx.body = 'Hello World'
})

await afterwork.start()
app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => console.log('listening'))
