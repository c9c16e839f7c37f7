import { once } from 'node:events'
import { get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { TaskDocument } from 'afterwork'
import type { Ending } from '../support/endings.ts'

/** One server-sent event of a task. */
export interface TaskFrame {
  id: string
  event: string
  task: TaskDocument
}

/** What a browser's EventSource does, event by event. */
export class EventStream {
  readonly incoming: IncomingMessage
  readonly #frames: AsyncGenerator<TaskFrame, undefined>

  constructor(incoming: IncomingMessage) {
    this.incoming = incoming
    this.#frames = framesOf(incoming)
  }

  /** The next event, or undefined when the stream has ended. */
  async next(): Promise<TaskFrame | undefined> {
    return (await this.#frames.next()).value
  }

  /** The first event that is as wanted. */
  async until(wanted: (frame: TaskFrame) => boolean): Promise<TaskFrame> {
    for (;;) {
      const frame = await this.next()
      if (frame === undefined) throw new Error('The stream ended before')
      if (wanted(frame)) return frame
    }
  }

  /** All events that are left. */
  async rest(): Promise<TaskFrame[]> {
    const frames: TaskFrame[] = []
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) frames.push(frame)
    return frames
  }
}

/** Opens the events of a task, after the last one that was seen; the connection goes when the test ends. */
export async function openEvents(ending: Ending, url: string, lastSeen?: string): Promise<EventStream> {
  const headers: OutgoingHttpHeaders = lastSeen === undefined ? {} : { 'Last-Event-ID': lastSeen }
  const outgoing = get(url, { agent: false, headers })
  ending.teardown(() => outgoing.destroy())
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  return new EventStream(incoming)
}

async function* framesOf(incoming: IncomingMessage): AsyncGenerator<TaskFrame, undefined> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8') as AsyncIterable<string>) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      )
      if (fields['data'] === undefined) continue
      yield { id: fields['id']!, event: fields['event']!, task: JSON.parse(fields['data']) as TaskDocument }
    }
  }
  return undefined
}
