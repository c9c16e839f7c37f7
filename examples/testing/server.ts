import type { AddressInfo } from 'node:net'
import { createAfterwork } from 'afterwork'
import { createApp } from './app.ts'
import { tasks } from './tasks.ts'

const afterwork = createAfterwork({ tasks })
await afterwork.start()
const server = createApp(afterwork).listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
