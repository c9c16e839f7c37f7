import { AfterworkError } from '../../../core/errors.ts'
import { newId } from '../../../core/id.ts'
import { withoutPassword } from '../../../core/queue-url.ts'
import type { Moved, MovedAlias, MovedTask } from '../../moved.ts'
import { Boss } from '../boss.ts'
import { Database, isUnknown, type Run } from '../database.ts'
import { install } from '../install.ts'
import { LaneBook } from '../lanes.ts'
import { Member } from '../member.ts'
import { placeOf, type Place } from '../place.ts'
import { statementsFor } from '../sql.ts'
import { batches } from './batches.ts'
import { Rows, type TaskRow } from './rows.ts'
import type { Source } from './source.ts'
import { movingStatements, type MovingStatements } from './sql.ts'
import { refuseOtherVersion, unusable } from './version.ts'

/** How many conflicts an error names. */
const mostNamed = 5
/** How long a statement may take, in milliseconds: many rows, and whoever holds a lock that it needs. */
const patience = 120_000
/** After so many tasks the planner of the database is told of them. */
const many = 10_000

/** Takes in all that another queue holds, in one transaction: everything is there, or nothing. */
export class Destination {
  readonly #url: string
  readonly #place: Place
  readonly #database: Database
  readonly #boss: Boss
  readonly #lanes: LaneBook
  readonly #sql: MovingStatements
  readonly #member = new Member(Date.now)
  #id = ''

  private constructor(url: string) {
    this.#url = withoutPassword(url)
    this.#place = placeOf(url)
    const { names } = this.#place
    this.#database = new Database(this.#place.url, 3, patience)
    this.#boss = new Boss(this.#database, names.boss, () => {})
    this.#lanes = new LaneBook(this.#database, statementsFor(names), this.#boss)
    this.#sql = movingStatements(names)
  }

  /**
   * Connects to a queue, which is made where there is none.
   * @throws AFTERWORK_PACKAGE_MISSING, AFTERWORK_QUEUE_UNUSABLE also for one of another version
   */
  static async open(url: string): Promise<Destination> {
    const destination = new Destination(url)
    await destination.#database.open()
    try {
      await destination.#prepare()
      return destination
    } catch (error) {
      await destination.close()
      throw unusable(error)
    }
  }

  /** What says of this queue that it is the one that it was, whatever its URL. */
  get id(): string {
    return this.#id
  }

  /**
   * Takes in all of a queue, which is sealed just before that is committed. Gives what was moved, also where an earlier
   * try had moved it already and nobody was told. `onProgress` is called with the number of tasks so far.
   * @throws AFTERWORK_QUEUE_IN_USE for another move into this queue; AFTERWORK_CONFLICT for tasks that cannot be in both;
   * AFTERWORK_QUEUE_FAILED
   */
  async take(source: Source, onProgress: (tasks: number) => void = () => {}): Promise<Moved> {
    const earlier = source.seal
    try {
      const moved = await this.#database.transaction((run) => this.#take(run, source, onProgress))
      if (sum(moved.tasks) >= many) await this.#analyze()
      return moved
    } catch (error) {
      // One of an earlier try stays until it is known what became of that.
      const sealed = source.seal !== undefined && source.seal !== earlier
      if (sealed && isUnknown(error)) throw this.#unknown(error as Error)
      if (sealed) source.unseal()
      throw this.#explained(error)
    }
  }

  async close(): Promise<void> {
    await this.#boss.stop()
    await this.#database.close()
  }

  async #prepare(): Promise<void> {
    const { names } = this.#place
    await refuseOtherVersion(this.#database, names, this.#sql.version)
    await this.#boss.start()
    await install(this.#database, names)
    await this.#lanes.open(0)
    this.#id = (await this.#database.run<{ id: string }>(this.#sql.id, []))[0]!.id
    const asked = Date.now()
    this.#member.compare(await this.#now(), asked)
  }

  async #now(): Promise<number> {
    return (await this.#database.run<{ now: number }>(this.#sql.now, []))[0]!.now
  }

  async #take(run: Run, source: Source, onProgress: (tasks: number) => void): Promise<Moved> {
    await this.#lock(run)
    const earlier = source.seal && (await this.#movedEarlier(run, source.seal.id))
    if (earlier !== undefined) return earlier
    source.unseal()
    source.recover(Date.now())
    await this.#refuseConflicts(run, source)
    await this.#makeLanes(source)
    const rows = await this.#rows(run, source)
    const aliases = await this.#takeTurns(run, source, rows, onProgress)
    const moved: Moved = {
      tasks: rows.counts,
      aliases,
      receipts: await this.#takeReceipts(run, source, rows),
      paused: source.paused(),
    }
    await this.#takeRest(run, source, rows, moved)
    const id = newId()
    source.sealFor({ id, target: this.#id, url: this.#url })
    await run(this.#sql.save, [`moved ${id}`, JSON.stringify({ ...moved, from: source.file })])
    return moved
  }

  async #lock(run: Run): Promise<void> {
    await run(this.#sql.begin, [])
    try {
      await run(this.#sql.lock, [])
    } catch (error) {
      if ((error as { code?: string }).code !== lockNotAvailable) throw error
      const message = `Another move into ${this.#url} is under way: run this one when it has ended`
      throw new AfterworkError('AFTERWORK_QUEUE_IN_USE', message, { cause: error })
    }
    await run(this.#sql.locked, [])
  }

  async #movedEarlier(run: Run, id: string): Promise<Moved | undefined> {
    const [row] = await run<{ moved: string }>(this.#sql.moved, [`moved ${id}`])
    return row && (JSON.parse(row.moved) as Moved)
  }

  /** One live task a name and key: neither must be lost for the other. */
  async #refuseConflicts(run: Run, source: Source): Promise<void> {
    const found: { moved: string; living: string; name: string }[] = []
    for (const batch of batches(source.keys())) {
      const keys = batch.map(({ id, name, key }) => ({ id, name, key: JSON.stringify(key) }))
      found.push(...(await run<(typeof found)[number]>(this.#sql.conflicts, [JSON.stringify(keys)])))
    }
    if (found.length === 0) return
    const shown = found.slice(0, mostNamed).map(({ name, moved, living }) => `${name} ${moved} and ${living}`)
    const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : ''
    throw new AfterworkError(
      'AFTERWORK_CONFLICT',
      `Nothing was moved: live tasks of both queues have the same unique key (${shown.join(', ')}${more}); let one of each end, or cancel it`,
    )
  }

  /** On other connections: a lane without tasks does no harm. */
  async #makeLanes(source: Source): Promise<void> {
    const wanted = source
      .lanes()
      .map(({ pool, name, batch }) => ({ name, options: { pool, batch: batch === 1 } }))
    await this.#lanes.make(wanted)
  }

  async #rows(run: Run, source: Source): Promise<Rows> {
    const { first, last } = source.extent()
    let endedBase = 0
    if (first !== null && last !== null) {
      const [row] = await run<{ base: number }>(this.#sql.reserve, [last - first + 1])
      endedBase = row!.base + 1 - first
    }
    const now = await this.#now()
    return new Rows((task) => this.#lanes.queueOf(task), { now, shift: this.#member.shift, endedBase })
  }

  async #takeTurns(
    run: Run,
    source: Source,
    rows: Rows,
    onProgress: (tasks: number) => void,
  ): Promise<number> {
    let [done, aliases] = [0, 0]
    for (const batch of batches(source.turns(), sizeOf)) {
      // One after the other, for the places of both are given in one order.
      const [tasks, others]: [MovedRow[], object[]] = [[], []]
      for (const turn of batch) {
        if ('task' in turn) tasks.push({ moved: turn, row: rows.task(turn) })
        else others.push(rows.alias(turn))
      }
      if (tasks.length > 0) await this.#insert(run, tasks)
      if (others.length > 0) await run(this.#sql.aliases, [JSON.stringify(others)])
      aliases += others.length
      onProgress((done += tasks.length))
    }
    return aliases
  }

  async #insert(run: Run, tasks: readonly MovedRow[]): Promise<void> {
    await run(this.#sql.tasks, [JSON.stringify(tasks.map(({ row }) => row))])
    const ready = tasks.filter(({ moved }) => moved.state === 'ready')
    if (ready.length > 0) await run(this.#sql.tickets, [ready.map(({ row }) => row.id)])
    const lost = ready.filter(({ moved }) => moved.lost)
    if (lost.length > 0)
      await run(this.#sql.lost, [lost.map(({ row }) => row.id), lost.map(({ row }) => row.queue)])
    const uses = tasks.flatMap(({ moved: { task } }) => task.files.map((file) => [file.id, task.id] as const))
    if (uses.length > 0)
      await run(this.#sql.files, [uses.map(([file]) => file), uses.map(([, task]) => task)])
  }

  async #takeReceipts(run: Run, source: Source, rows: Rows): Promise<number> {
    let count = 0
    for (const batch of batches(source.receipts(Date.now()), ({ answer }) => answer.length)) {
      const timed = batch.map((receipt) => ({ ...receipt, expiresAt: rows.time(receipt.expiresAt) }))
      await run(this.#sql.receipts, [JSON.stringify(timed)])
      count += batch.length
    }
    return count
  }

  async #takeRest(run: Run, source: Source, rows: Rows, { tasks, paused }: Moved): Promise<void> {
    for (const batch of batches(source.starts())) {
      const timed = batch.map(({ name, at }) => ({ name, at: rows.time(at) }))
      await run(this.#sql.starts, [JSON.stringify(timed)])
    }
    if (paused.length > 0) await run(this.#sql.pause, [paused])
    const { queued, scheduled, succeeded, failed, cancelled } = tasks
    await run(this.#sql.totals, [queued, scheduled, succeeded, failed, cancelled, rows.bytes])
    await run(this.#sql.tell, [])
    if (scheduled > 0) await run(this.#sql.due, [])
  }

  /** Not what the move is about: the database does it by itself, a little later. */
  async #analyze(): Promise<void> {
    await this.#database.run(this.#sql.analyze, []).catch(() => {})
  }

  #unknown(error: Error): AfterworkError {
    return new AfterworkError(
      'AFTERWORK_QUEUE_FAILED',
      `The connection to the database was lost just when all of it was committed (${error.message}): run the same command again, which finds out`,
      { cause: error },
    )
  }

  #explained(error: unknown): AfterworkError {
    if (error instanceof AfterworkError && error.code !== 'AFTERWORK_QUEUE_FAILED') return error
    const { code, message, detail = '' } = error as { code?: string; message: string; detail?: string }
    const twice = code === uniqueViolation
    const why = twice
      ? `${this.#url} has a task of this queue already (${detail}); was an older copy of the file moved before?`
      : message
    return new AfterworkError(
      twice ? 'AFTERWORK_CONFLICT' : 'AFTERWORK_QUEUE_FAILED',
      `Nothing was moved: ${why}`,
      { cause: error },
    )
  }
}

interface MovedRow {
  moved: MovedTask
  row: TaskRow
}

/** SQLSTATEs. */
const [lockNotAvailable, uniqueViolation] = ['55P03', '23505']

function sizeOf(turn: MovedTask | MovedAlias): number {
  if (!('task' in turn)) return 150
  const { task, result, error, progress } = turn
  return 500 + task.args.length + (result?.length ?? 0) + (error?.length ?? 0) + (progress?.length ?? 0)
}

function sum(counts: Moved['tasks']): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
