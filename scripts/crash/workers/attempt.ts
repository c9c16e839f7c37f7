import { currentTask } from 'afterwork/worker'
import { JournalWriter } from '../journal.ts'

const journal = new JournalWriter(process.env['CRASH_JOURNAL']!)

/** Runs what a task does, and notes in the journal that this attempt began and how it ended. */
export async function attempt<T>(marker: string, work: () => T | Promise<T>): Promise<T> {
  const { id, attempt: number } = currentTask()
  journal.write('begin', id, number, marker)
  try {
    const result = await work()
    journal.write('end', id, number, marker)
    return result
  } catch (error) {
    journal.write('fail', id, number, marker)
    throw error
  }
}
