import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from '../../core/failure.ts'
import type { ProbeReply, ProbeRequest } from '../probe.ts'
import { hasTeardown, loadDefinitions, loadModule } from './load.ts'
import { loadAll } from './modules.ts'

const { tasks } = workerData as ProbeRequest
parentPort!.postMessage(await probe())

async function probe(): Promise<ProbeReply> {
  let doing = `load the tasks file ${tasks}`
  try {
    const names = await loadAll(await loadDefinitions(tasks), (module) => {
      doing = `load module ${module} of ${tasks}`
      return loadModule(tasks, module)
    })
    return { names, teardown: hasTeardown() }
  } catch (thrown) {
    return { doing, failure: toFailure(thrown) }
  }
}
