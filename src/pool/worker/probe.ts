import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../../core/failure.ts'
import type { ProbeReply, ProbeRequest } from '../probe.ts'
import { hasTeardown, loadDefinitions, loadModule } from './load.ts'

const { tasks } = workerData as ProbeRequest
parentPort!.postMessage(await probe())

async function probe(): Promise<ProbeReply> {
  let doing = `load the tasks file ${tasks}`
  try {
    const names: string[] = []
    for (const [module, definition] of await loadDefinitions(tasks)) {
      doing = `load module ${module} of ${tasks}`
      const functions = Object.keys(await loadModule(tasks, module))
      names.push(...functions.map((name) => `${module}.${name}`))
      for (const name of definition.tasks.keys()) {
        if (!functions.includes(name))
          throw new Error(`it has options for ${name}, but the module exports no such function`)
      }
    }
    return { names, teardown: hasTeardown() }
  } catch (thrown) {
    return { doing, failure: toFailure(thrown) }
  }
}
