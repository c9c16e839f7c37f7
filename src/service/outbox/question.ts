/** Where a page of the list begins: behind this message. */
export interface Position {
  /** Milliseconds since 1970. */
  storedAt: number
  id: string
}

/** What the main thread asks the thread that reads messages. */
export type Question =
  | { ask: 'page'; after: Position | null; limit: number }
  | { ask: 'message'; id: string }
  | { ask: 'html'; id: string }
  | { ask: 'text'; id: string }
  | { ask: 'attachment'; id: string; number: number }
  | { ask: 'remove'; id: string }
  | { ask: 'clear' }

/** Bytes as they go out: they were moved, not copied, so that their size costs the main thread nothing. */
export interface Found {
  found: true
  body: Uint8Array<ArrayBuffer>
  /** Of an attachment: the file name and media type that the message claims. */
  name?: string
  type?: string
}

/** Why there is nothing. */
export interface NotFound {
  found: false
  code: 'MESSAGE_NOT_FOUND' | 'PART_NOT_FOUND' | 'MESSAGE_UNREADABLE'
  detail: string
}

/** What the thread answers, or the error that stopped it. */
export type Answer = Found | NotFound
export type Reply = { answer: Answer } | { error: { message: string; code: string | undefined } }

/** Whether a string may name a message: a file of the outbox is its id and `.eml`. */
export function isMessageId(text: string): boolean {
  return /^[A-Za-z0-9-]{1,100}$/.test(text)
}
