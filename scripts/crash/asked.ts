/** A task as a client asks for it. */
export interface AskedTask {
  /** The client's own name for it, in its arguments and in the journal: known before the service answers. */
  marker: string
  kind:
    'append' | 'unique' | 'burn' | 'tiny' | 'flaky' | 'failing' | 'withFollowUp' | 'watched' | 'mail' | 'file'
  /** How long it takes, in milliseconds. */
  ms: number
  /** Whether it takes its turn among the tasks of its request. */
  ordered: boolean
  /** Milliseconds. */
  delay: number
  unique: string | null
  /** Where a mail goes. */
  to: string | null
  /** What a file holds. */
  file: { name: string; sha256: string; isImage: boolean } | null
}

/** A request as a client makes it. */
export interface AskedRequest {
  marker: string
  tasks: AskedTask[]
  /** The handler adds the tasks and then answers 422, which drops them. */
  isRefused: boolean
}

/** A request that went out, and what came back. */
export interface SentRequest extends AskedRequest {
  /** Milliseconds since 1970. */
  sentAt: number
  /** The process that was asked. */
  pid: number
  /** The status that came, or null where the connection was cut before it. */
  status: number | null
  /** When it came, in milliseconds since 1970. */
  answeredAt: number | null
  /** The code of a refusal; TIMED_OUT where the service was there but did not answer. */
  code: string | null
  /** Of the tasks, in their order; null unless all of the answer came. */
  ids: string[] | null
}

/** What a request is: its tasks were promised, refused, or nobody told the client. */
export function outcomeOf({ status }: SentRequest): 'acknowledged' | 'refused' | 'unanswered' {
  if (status === null) return 'unanswered'
  return status < 400 ? 'acknowledged' : 'refused'
}
