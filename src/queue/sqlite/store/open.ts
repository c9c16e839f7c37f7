import { AfterworkError } from '../../../core/errors.ts'
import { toFailure } from '../../../core/failure.ts'
import type { Opened, StoreData } from '../message.ts'
import type { WaitingRow } from '../row.ts'
import { explained, openDatabase, prepareFolder } from './database.ts'
import { Lock } from './lock.ts'
import { recover } from './recovery.ts'
import { Store } from './store.ts'

interface OpenStore {
  first: Opened
  store?: Store
  close: () => void
}

/** Locks and opens the file of a queue, and recovers what is in it; what went wrong is in what the store says first. */
export function open(data: StoreData): OpenStore {
  let { file } = data
  let lock: Lock | undefined
  try {
    file = prepareFolder(file)
    lock = new Lock(file)
    const database = openDatabase(file, data.resumed)
    const held = lock
    const close = (): void => {
      database.close()
      held.release()
    }
    try {
      const store = new Store(database, data)
      return { first: begin(store, data), store, close }
    } catch (error) {
      close()
      throw error
    }
  } catch (error) {
    lock?.release()
    const { code, message, cause } = explained(error, file)
    return {
      first: {
        type: 'refused',
        code,
        message,
        failure: toFailure(cause ?? new AfterworkError(code, message)),
      },
      close: () => {},
    }
  }
}

function begin(store: Store, { now, resumed }: StoreData): Opened {
  const { ledger } = store
  const { sql } = ledger
  let suspects: WaitingRow[] = []
  if (!resumed) store.transaction(() => (suspects = recover(ledger, now)))
  return {
    type: 'opened',
    suspects,
    lanes: lanesOf(ledger),
    paused: (sql.paused.all() as unknown as { pool: string }[]).map(({ pool }) => pool),
    starts: sql.ratedStarts.all() as unknown as { name: string; at: number }[],
    nextDue: (sql.nextDue.get() as unknown as { at: number | null }).at,
    news: ledger.news,
    totals: ledger.totals.values,
  }
}

/** The lanes in which something waits, each found by one look into an index, however much waits in them. */
function lanesOf({ sql }: Store['ledger']): { pool: string; name: string }[] {
  const lanes: { pool: string; name: string }[] = []
  let [pool, name] = ['', '']
  for (;;) {
    const lane = sql.nextLane.get(pool, name) as unknown as { pool: string; name: string } | undefined
    if (lane === undefined) return lanes
    lanes.push({ ...lane })
    ;[pool, name] = [lane.pool, lane.name]
  }
}
