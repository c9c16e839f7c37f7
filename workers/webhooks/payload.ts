import type { EndedTask } from 'afterwork/worker'

/** Characters of a result, as JSON, that a webhook carries: receivers expect small messages. */
const maxResult = 65_536

/**
 * The body of a webhook: what GET /tasks/:id says of a task that has ended, but for its arguments. The same for the
 * same task, byte by byte. A result that is long is left out, as null.
 * @param prefix the path under which the service is mounted
 */
export function payloadOf(ended: EndedTask, prefix: string): string {
  const result = JSON.stringify(ended.result, plain)
  return JSON.stringify({
    type: `task.${ended.state}`,
    timestamp: ended.endedAt.toISOString(),
    data: {
      id: ended.id,
      name: ended.name,
      state: ended.state,
      attempt: ended.attempt,
      result: result.length > maxResult ? null : (JSON.parse(result) as unknown),
      error: ended.error === null ? null : withoutStack(ended.error),
      addedAt: ended.addedAt.toISOString(),
      startedAt: ended.startedAt?.toISOString() ?? null,
      endedAt: ended.endedAt.toISOString(),
      links: { self: `${prefix}/tasks/${ended.id}` },
    },
  })
}

type Failure = NonNullable<EndedTask['error']>

/** Stacks hold paths of the server. */
function withoutStack({ stack: _stack, cause, ...failure }: Failure): Omit<Failure, 'stack'> {
  return cause === undefined ? failure : { ...failure, cause: withoutStack(cause) }
}

/** What JSON lacks is shown as text, as over HTTP. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}
