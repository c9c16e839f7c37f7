import { createInterface } from 'node:readline/promises'
import { AfterworkError } from '../../core/errors.ts'

/** Whether a person at the terminal says yes; throws AFTERWORK_BAD_OPTION when there is none to ask. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new AfterworkError('AFTERWORK_BAD_OPTION', `${question} There is no terminal to ask at: say --yes`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new AbortController()
  terminal.once('close', () => closed.abort())
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: closed.signal })
    return /^(y|yes)$/i.test(answer.trim())
  } catch (error) {
    // Ctrl-C or Ctrl-D is a no.
    if ((error as Error).name === 'AbortError') return false
    throw error
  } finally {
    terminal.close()
  }
}
