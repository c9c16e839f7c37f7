import { readFileSync } from 'node:fs'
import type { Email } from 'postal-mime'
import { isNewer, OutboxFolder, type Entry } from './folder.ts'
import { bytesOf, documentOf } from './html.ts'
import { messageDocument, nameOf } from './message.ts'
import { parse, Unreadable } from './parse.ts'
import type { Answer, Found, NotFound, Question } from './question.ts'
import { skim } from './skim.ts'
import { summaryOf, type Summary } from './summary.ts'

/** Lines of the list that are remembered: more than anybody turns pages. */
const maxSummaries = 5_000

/** The outbox as a thread of its own knows it: it reads files and messages, and may take its time. */
export class Outbox {
  readonly #folder: OutboxFolder
  readonly #summaries = new Map<string, { entry: Entry; summary: Summary }>()
  /** Who reads a message asks for its parts next. */
  #last: { entry: Entry; email: Email } | undefined

  constructor(folder: string) {
    this.#folder = new OutboxFolder(folder)
  }

  /** @throws the system's error when the folder cannot be read */
  async answer(question: Question): Promise<Answer> {
    if (question.ask === 'page') return this.#page(question)
    if (question.ask === 'clear') {
      this.#folder.clear()
      return empty
    }
    if (question.ask === 'remove') return this.#folder.remove(question.id) ? empty : gone
    const entry = this.#folder.find(question.id)
    if (entry === undefined) return gone
    try {
      const email = await this.#read(entry)
      if (question.ask === 'message') return json(messageDocument(entry, email))
      return partOf(email, question)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      if (question.ask !== 'message')
        return { found: false, code: 'MESSAGE_UNREADABLE', detail: error.message }
      const known = await parse(skim(this.#folder.pathOf(entry.id))).catch(() => undefined)
      return json(messageDocument(entry, known, error.message))
    }
  }

  async #page({ after, limit }: Question & { ask: 'page' }): Promise<Found> {
    const entries = this.#folder.entries()
    const begin = after === null ? 0 : entries.findIndex((entry) => isNewer(after, entry))
    const page = begin === -1 ? [] : entries.slice(begin, begin + limit)
    const messages: Summary[] = []
    for (const entry of page) {
      const summary = await this.#summary(entry)
      if (summary !== undefined) messages.push(summary)
    }
    const last = page.at(-1)
    const more = last !== undefined && last !== entries.at(-1)
    return json({ messages, next: more ? `${last.storedAt}.${last.id}` : null, total: entries.length })
  }

  /** Undefined when the message went while the list was made. */
  async #summary(entry: Entry): Promise<Summary | undefined> {
    const known = this.#summaries.get(entry.id)
    if (known !== undefined && isSame(known.entry, entry)) return known.summary
    try {
      const summary = await summaryOf(this.#folder.pathOf(entry.id), entry)
      this.#summaries.delete(entry.id)
      this.#summaries.set(entry.id, { entry, summary })
      if (this.#summaries.size > maxSummaries) this.#summaries.delete(this.#summaries.keys().next().value!)
      return summary
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async #read(entry: Entry): Promise<Email> {
    if (this.#last !== undefined && isSame(this.#last.entry, entry)) return this.#last.email
    // Two at a time would be twice the memory.
    this.#last = undefined
    const email = await parse(readFileSync(this.#folder.pathOf(entry.id)))
    this.#last = { entry, email }
    return email
  }
}

const empty: Found = { found: true, body: new Uint8Array() }
const gone: NotFound = { found: false, code: 'MESSAGE_NOT_FOUND', detail: 'There is no such message' }

function partOf(email: Email, question: Question & { ask: 'html' | 'text' | 'attachment' }): Answer {
  if (question.ask === 'html') return email.html === undefined ? noPart('HTML') : text(documentOf(email))
  if (question.ask === 'text') return email.text === undefined ? noPart('text') : text(email.text)
  const attachment = email.attachments[question.number - 1]
  if (attachment === undefined) return noPart(`attachment ${question.number}`)
  // A copy: what is sent to the main thread is gone here.
  const body = new Uint8Array(bytesOf(attachment))
  return { found: true, body, name: nameOf(attachment, question.number), type: attachment.mimeType }
}

function noPart(part: string): NotFound {
  return { found: false, code: 'PART_NOT_FOUND', detail: `The message has no ${part}` }
}

function json(value: object): Found {
  return text(JSON.stringify(value))
}

function text(value: string): Found {
  return { found: true, body: new TextEncoder().encode(value) }
}

function isSame(a: Entry, b: Entry): boolean {
  return a.id === b.id && a.storedAt === b.storedAt && a.size === b.size
}
