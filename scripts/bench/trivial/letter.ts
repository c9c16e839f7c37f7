/** The argument of the trivial task, about 200 bytes as JSON. */
export interface Letter {
  number: number
  to: string
  subject: string
  text: string
}

const text = 'Thank you for your order; we shall write again as soon as it is on its way to you. '.padEnd(
  100,
  '.',
)

let number = 0

/** A letter that no other is like: serializers flatter those who repeat one. */
export function newLetter(): Letter {
  number++
  return { number, to: `reader-${number}@example.com`, subject: `Your order ${number}`, text }
}
