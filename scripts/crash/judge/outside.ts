import type { File, Finding } from './case.ts'
import { breachesOf } from './case.ts'

/** The mail server has what the tasks say they sent, under the same Message-ID each time. */
export function mails({ evidence, cases }: File): Finding {
  const sent = cases.filter(({ asked, record }) => asked.kind === 'mail' && record?.state === 'succeeded')
  const deliveries = Map.groupBy(evidence.deliveries, ({ to }) => to)
  return {
    promise: 'mails were delivered',
    checked: sent.length,
    breaches: breachesOf(sent, ({ asked, record }) => {
      const found = deliveries.get(asked.to!)
      if (found === undefined) return `was never delivered to ${asked.to}`
      const foreign = found.find(({ messageId }) => !messageId.startsWith(`${record!.id}@`))
      return foreign && `was delivered to ${asked.to} as ${foreign.messageId}`
    }),
  }
}

/** What the service gives back of a file is what was sent, and its thumbnails are there. */
export function uploads({ evidence, cases }: File): Finding {
  const stored = cases.filter(({ asked, record }) => asked.file !== null && record?.state === 'succeeded')
  return {
    promise: 'uploads are whole',
    checked: stored.length,
    breaches: breachesOf(stored, ({ asked, record }) => {
      const { sha256, isImage, name } = asked.file!
      const found = evidence.files.get(record!.id)
      if (found === undefined || found.sha256 === null) return `its file ${name} is gone`
      if (found.sha256 !== sha256) return `its file ${name} is not the one that was sent`
      const made = record!.file!.variants
      if (isImage && made.length === 0) return `its picture ${name} has no thumbnails`
      const missing = made.filter((variant) => !found.variants.includes(variant))
      return missing.length > 0 ? `thumbnails of ${name} are missing: ${missing.join(', ')}` : undefined
    }),
  }
}

/** Recipients who had the same mail more than once. */
export function deliveredAgain({ evidence }: File): number {
  let count = 0
  for (const found of Map.groupBy(evidence.deliveries, ({ to }) => to).values()) if (found.length > 1) count++
  return count
}
