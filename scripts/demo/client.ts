import { setTimeout } from 'node:timers/promises'
import type { TaskDocument } from 'afterwork'

/** What the service answered to a request that adds tasks, and how soon. */
export interface Answer {
  /** Such as `POST /send-email`. */
  request: string
  status: number
  message: string
  tasks: { id: string; name: string; href: string }[]
  /** Milliseconds from the first byte sent to the last one read. */
  took: number
}

/** How often tasks are asked for, in milliseconds. */
const interval = 50

/** The service's clients: a form, a follower of tasks, a reader of files. */
export class Client {
  readonly #url: string
  readonly #signal: AbortSignal

  constructor(url: string, signal: AbortSignal) {
    this.#url = url
    this.#signal = signal
  }

  /** Asks whether the service is ready; also opens the connection, which the first answer should not be charged with. */
  async ready(): Promise<void> {
    await this.#request('GET', '/readyz')
  }

  /** Sends a form, or nothing, and takes the time of the answer. */
  async post(path: string, body: FormData | URLSearchParams | null): Promise<Answer> {
    const start = performance.now()
    const response = await this.#request('POST', path, body)
    const { message, tasks } = (await response.json()) as Pick<Answer, 'message' | 'tasks'>
    const took = performance.now() - start
    return { request: `POST ${path.split('?', 1)[0]}`, status: response.status, message, tasks, took }
  }

  /** Asks for tasks until all have ended; `show` sees every state on the way. */
  async follow(hrefs: string[], show: (tasks: TaskDocument[]) => void): Promise<TaskDocument[]> {
    for (;;) {
      const tasks = await Promise.all(hrefs.map((href) => this.#task(href)))
      show(tasks)
      if (tasks.every(({ endedAt }) => endedAt !== null)) return tasks
      await setTimeout(interval, undefined, { signal: this.#signal })
    }
  }

  /** The bytes of a file that the service serves. */
  async sizeOf(path: string): Promise<number> {
    const response = await this.#request('GET', path)
    return (await response.arrayBuffer()).byteLength
  }

  async #task(href: string): Promise<TaskDocument> {
    const response = await this.#request('GET', href)
    return (await response.json()) as TaskDocument
  }

  async #request(method: string, path: string, body: FormData | URLSearchParams | null = null) {
    const response = await fetch(`${this.#url}${path}`, { method, body, signal: this.#signal })
    if (response.ok) return response
    const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
    throw new Error(`${method} ${path} was answered ${response.status}: ${detail ?? 'without a reason'}`)
  }
}
