/** What all messages have in common: about a kilobyte of text. */
export const letter = {
  from: 'shop@afterwork.test',
  subject: 'Your order is on its way',
  text: Array.from(
    { length: 12 },
    (_, line) => `${line + 1}. Your parcel has left our house and will be with you within two days.`,
  ).join('\n'),
}

let written = 0

/** An address that had no message yet. */
export function nextRecipient(): string {
  return `reader-${++written}@example.test`
}
