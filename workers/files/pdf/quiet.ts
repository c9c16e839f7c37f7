/** Imported before pdf.js, which warns of what is not installed before it can be told not to. */
Object.assign(console, { warn: () => {} })
