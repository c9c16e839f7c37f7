/** The load generator, a process of its own: runs the loops that the harness asks for. */
import { closedLoop } from './harness/closed-loop.ts'
import type { LoadReply, LoadRequest } from './harness/load.ts'
import { openLoop } from './harness/open-loop.ts'

const running = new Map<number, AbortController>()

process.on('message', (request: LoadRequest) => {
  if (request.type === 'stop') running.get(request.id)?.abort()
  else void run(request).then((reply) => process.send!(reply))
})
process.once('disconnect', () => process.exit())

async function run(request: Exclude<LoadRequest, { type: 'stop' }>): Promise<LoadReply> {
  const { id, type, options } = request
  const stopping = new AbortController()
  running.set(id, stopping)
  try {
    const result = await (type === 'open'
      ? openLoop(options, stopping.signal)
      : closedLoop(options, stopping.signal))
    return { id, result }
  } catch (error) {
    return { id, error: String(error) }
  } finally {
    running.delete(id)
  }
}
