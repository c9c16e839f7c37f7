import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import type { TaskRecord } from '../../src/core/task.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startGate } from '../support/gate.ts'

/** What the service tells. */
type Told = Partial<{ event: string; id: string; added: string; record: TaskRecord | null }>

/** The service of `crashing-service.ts` on a file, and all that it told. */
class Service {
  readonly child: ChildProcess
  readonly told: Told[] = []
  readonly ended: Promise<unknown>
  #look = (): void => {}

  constructor(file: string) {
    this.child = fork(new URL('./crashing-service.ts', import.meta.url), [file], { stdio: 'ignore' })
    this.child.on('message', (message: Told) => {
      this.told.push(message)
      this.#look()
    })
    this.ended = once(this.child, 'exit')
  }

  async until(matches: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const found = this.told.find(matches)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => (this.#look = resolve))
    }
  }

  async add(name: string, ...args: unknown[]): Promise<string> {
    const before = this.told.filter(({ added }) => added !== undefined).length
    this.child.send({ add: name, args })
    await this.until(() => this.told.filter(({ added }) => added !== undefined).length > before)
    return this.told.findLast(({ added }) => added !== undefined)!.added!
  }

  async get(id: string): Promise<TaskRecord | null> {
    this.child.send({ get: id })
    return (await this.until(({ record }) => record?.id === id)).record!
  }
}

for (const how of ['SIGABRT', 'SIGKILL'] as const) {
  test(`crash: a task that ends its process by ${how} is found out, and its neighbour succeeds`, async (t) => {
    const gate = await startGate(t)
    const file = join(await temporaryFolder(t), 'queue.db')
    const start = (): Service => {
      const service = new Service(file)
      t.teardown(() => service.child.kill('SIGKILL'))
      return service
    }
    let service = start()
    await service.until(({ event }) => event === 'started')
    const culprit = await service.add('crash', how, gate.url('culprit'))
    const neighbour = await service.add('passAgain', gate.url('neighbour'))
    await gate.arrival('neighbour1')
    const waiting = await service.add('echo', 'waited')
    await gate.pass('culprit')
    await service.ended
    for (let crash = 1; crash <= 3; crash++) {
      service = start()
      await service.until(({ event, id }) => event === 'task.started' && id === culprit)
      await gate.pass('culprit')
      await service.ended
      t.deepEqual(
        service.told.filter(({ event }) => event === 'task.started').map(({ id }) => id),
        [culprit],
      )
    }
    service = start()
    await service.until(({ event, id }) => event === 'task.failed' && id === culprit)
    await service.until(({ event, id }) => event === 'task.started' && id === neighbour)
    await gate.pass('neighbour2')
    await service.until(({ event, id }) => event === 'task.succeeded' && id === waiting)
    t.like(await service.get(neighbour), { state: 'succeeded', attempt: 2 })
    t.like(await service.get(waiting), { state: 'succeeded', attempt: 1 })
    t.like(await service.get(culprit), {
      state: 'failed',
      attempt: 4,
      error: { code: 'AFTERWORK_CRASHED_PROCESS' },
    })
    t.false(service.told.some(({ event, id }) => event === 'task.started' && id === culprit))
  })
}
