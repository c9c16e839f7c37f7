import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StartedSystem } from '../harness/system-module.ts'
import { newTask } from '../queue/engine.ts'
import { adding } from './adding.ts'
import type { Found } from './protocol.ts'

/** What one writes first: node:sqlite on the main thread, a commit for each task. */
export async function start({ folder }: { folder: string }): Promise<StartedSystem> {
  const database = new DatabaseSync(join(folder, 'plain.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, name TEXT, state TEXT, args TEXT)')
  const begin = database.prepare('BEGIN IMMEDIATE')
  const insert = database.prepare("INSERT INTO tasks VALUES (?, ?, 'queued', ?)")
  const commit = database.prepare('COMMIT')

  async function add(): Promise<void> {
    const { id, name, args } = newTask()
    begin.run()
    insert.run(id, name, args)
    commit.run()
    // Requests come in with the turns of the loop, and never starve it as adders in one turn would.
    await nextTurn()
  }
  return {
    answers: {
      add: adding(add),
      find: (): Found => database.prepare('SELECT count(*) AS found FROM tasks').get() as unknown as Found,
    },
    stop: async () => database.close(),
  }
}
