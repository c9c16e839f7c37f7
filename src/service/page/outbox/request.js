/** @typedef {import('../problem.js').Answer} Answer */

const limit = 35_000

/**
 * Asks the outbox; the path is relative to the page, so that it holds wherever that is mounted.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Answer>} status 0: the service could not be reached
 */
export async function request(path, options = {}) {
  try {
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(limit), ...options })
    return { status: response.status, text: await response.text() }
  } catch {
    return { status: 0, text: '' }
  }
}

/**
 * The beginning of a document that may be large.
 * @param {string} path
 * @param {number} bytes
 * @returns {Promise<Answer & { size: number }>} size: bytes of all of it, as far as it is known
 */
export async function requestBeginning(path, bytes) {
  try {
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(limit) })
    const reader = response.body?.getReader()
    const decoder = new TextDecoder()
    let text = ''
    let taken = 0
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
      if (done || !value) break
      text += decoder.decode(value.subarray(0, bytes - taken), { stream: true })
      taken += value.length
      if (taken < bytes) continue
      await reader?.cancel()
      break
    }
    return { status: response.status, text, size: Number(response.headers.get('Content-Length') ?? taken) }
  } catch {
    return { status: 0, text: '', size: 0 }
  }
}
