import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testAfterwork, type TestAfterwork } from 'afterwork/testing'
import { createApp } from './app.ts'
import { tasks } from './tasks.ts'

/** The app for a test: where it listens, its background tasks, and what ends both. */
export interface Subject {
  url: string
  afterwork: TestAfterwork<typeof tasks>
  end(): Promise<void>
}

/** Starts the app on a free port. */
export async function serve(mode: 'capture' | 'inline'): Promise<Subject> {
  const afterwork = testAfterwork({ tasks, mode })
  await afterwork.start()
  const server: Server = createApp(afterwork).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    afterwork,
    async end() {
      server.closeAllConnections()
      server.close()
      await afterwork.stop()
    },
  }
}
