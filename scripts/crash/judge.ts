import { outcomeOf } from './asked.ts'
import type { Evidence } from './evidence.ts'
import { alone, overtaken } from './judge/alone.ts'
import { openFile, type Finding } from './judge/case.ts'
import { namedFiles, strays } from './judge/folder.ts'
import { accountedFor, answers, followUps, refused, unanswered } from './judge/kept.ts'
import { ended, known, notFailed, ran, ranAgain, unstoredStarts } from './judge/life.ts'
import { delays, groups, suspects, uniqueKeys } from './judge/order.ts'
import { deliveredAgain, mails, uploads } from './judge/outside.ts'

/** What happened, whether promised or not. */
export interface Counts {
  /** Tasks of requests that were answered with 202. */
  acknowledged: number
  /** Of these, those that nobody knows or that have not ended. */
  lost: number
  /** Tasks that a kill made run again. */
  ranAgain: number
  /** Recipients who had the same mail more than once. */
  deliveredAgain: number
  /** Requests that were refused because the queue was full. */
  full: number
  /** Requests that were refused because the queue did not answer. */
  away: number
  /** Requests whose answer a kill cut off. */
  unanswered: number
  /** Of their tasks, those that are there all the same. */
  unansweredTasks: number
  /** Attempts in all. */
  attempts: number
  /** Attempts whose number was used again, because their start was not stored when they were cut. */
  unstoredStarts: number
  /** Attempts that went on while another process had their task already. */
  overtaken: number
}

/** What the evidence says of every promise. */
export interface Judgement {
  findings: Finding[]
  counts: Counts
}

const promises = [
  known,
  ended,
  ran,
  notFailed,
  groups,
  delays,
  uniqueKeys,
  followUps,
  mails,
  uploads,
  namedFiles,
  strays,
  answers,
  refused,
  unanswered,
  accountedFor,
]

/** Weighs the evidence: a promise without a breach was kept, as far as it was tried. */
export function judge(evidence: Evidence): Judgement {
  const file = openFile(evidence)
  // Where several processes share the queue, the others go on while one of them runs what was cut.
  const kept = [...promises, evidence.outages === null ? suspects : alone]
  const findings = kept.map((promise) => promise(file))
  const { requests, journal } = evidence
  const acknowledged = file.cases.filter(({ request }) => outcomeOf(request) === 'acknowledged')
  const [unknown, unended] = findings.map(
    ({ breaches }) => new Set(breaches.map(({ marker }) => marker)),
  ) as [Set<string>, Set<string>]
  const counts = {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter(({ asked }) => unknown.has(asked.marker) || unended.has(asked.marker)).length,
    ranAgain: ranAgain(file),
    deliveredAgain: deliveredAgain(file),
    full: requests.filter(({ code }) => code === 'AFTERWORK_QUEUE_FULL').length,
    away: requests.filter(({ status, code }) => status === 503 && code !== 'AFTERWORK_QUEUE_FULL').length,
    unanswered: requests.filter((request) => outcomeOf(request) === 'unanswered').length,
    unansweredTasks: file.cases.length - acknowledged.length,
    attempts: journal.filter(({ verb }) => verb === 'begin').length,
    unstoredStarts: unstoredStarts(file),
    overtaken: overtaken(file),
  }
  return { findings, counts }
}
