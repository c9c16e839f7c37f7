import type { AskedTask, SentRequest } from '../../scripts/crash/asked.ts'
import type { Evidence } from '../../scripts/crash/evidence.ts'
import type { JournalLine } from '../../scripts/crash/journal.ts'
import { judge } from '../../scripts/crash/judge.ts'
import type { SeenTask } from '../../scripts/crash/records.ts'

/** The processes of the made-up run: the first was killed at 1,000 ms. */
export const [first, second] = [1, 2]

/** A made-up run, to which each test does something that must not be. */
export class Story implements Evidence {
  requests: SentRequest[] = []
  records = new Map<string, SeenTask>()
  journal: JournalLine[] = []
  deliveries: Evidence['deliveries'] = []
  files: Evidence['files'] = new Map()
  folder: Evidence['folder'] = { before: [], after: [] }
  kills = [{ pid: first, at: 1_000 }]
  outages: Evidence['outages'] = null

  /** A request that came at 0 ms; the id of its task `r.0` is `id-r.0`. */
  request(marker: string, status: number | null, ...tasks: Partial<AskedTask>[]): SentRequest {
    const asked = tasks.map((given, index): AskedTask => {
      const plain = { kind: 'append', ms: 1, ordered: true, delay: 0, unique: null } as const
      return { ...plain, to: null, file: null, marker: `${marker}.${index}`, ...given }
    })
    const ids = status === 202 ? asked.map((task) => `id-${task.marker}`) : null
    const code = status === 503 ? 'AFTERWORK_QUEUE_FULL' : null
    const answeredAt = status === null ? null : 10
    const own = { marker, tasks: asked, isRefused: false }
    const request = { ...own, pid: first, sentAt: 0, status, answeredAt, code, ids }
    this.requests.push(request)
    return request
  }

  record(marker: string, change: Partial<SeenTask> = {}): SeenTask {
    const id = `id-${marker}`
    const plain = { name: 'notes.append', state: 'succeeded', attempt: 1, error: null, file: null } as const
    const record = { ...plain, id, marker, addedAt: 5, endedAt: 5_000, ...change }
    this.records.set(id, record)
    return record
  }

  tell(verb: JournalLine['verb'], marker: string, { attempt = 1, pid = second, at = 2_000 } = {}): void {
    this.journal.push({ verb, id: `id-${marker}`, attempt, marker, pid, at })
  }

  /** A task that did what it should. */
  done(marker: string, change: Partial<SeenTask> = {}): void {
    this.record(marker, change)
    this.tell('begin', marker)
    this.tell('end', marker)
  }

  /** The sentences of what was broken, under the promises. */
  get broken(): Record<string, string[]> {
    const broken = judge(this).findings.filter(({ breaches }) => breaches.length > 0)
    return Object.fromEntries(
      broken.map(({ promise, breaches }) => [promise, breaches.map(({ why }) => why)]),
    )
  }
}

/** A group whose first task was cut by the kill and made again. */
export function cutGroup(): Story {
  const story = new Story()
  story.request('g', 202, {}, {})
  story.record('g.0', { attempt: 2 })
  story.tell('begin', 'g.0', { pid: first, at: 900 })
  story.tell('begin', 'g.0', { attempt: 2 })
  story.tell('end', 'g.0', { attempt: 2 })
  story.done('g.1')
  return story
}
