interface Delivery {
  id: string
  to: string
  subject: string
}

/** Stands in for a mail server. */
export const outbox = {
  delivered: [] as Delivery[],
  deliver: async (message: Delivery): Promise<void> => {
    if (message.to.endsWith('@invalid')) throw new Error(`${message.to}: no such domain`)
    outbox.delivered.push(message)
  },
}
