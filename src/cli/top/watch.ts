import { oneLine } from '../one-line.ts'
import { connect, type Connection } from '../operator/connect.ts'
import { isDirect, type DirectOperator } from '../operator/operator.ts'
import { readServiceFile } from '../../service/service-file.ts'
import type { Where } from '../where.ts'
import { look, ratesOf, type Look, type Rates } from './look.ts'

/** How often the queue itself is opened anew, in looks: a service may answer again, or the file be another one. */
const patience = 10

/** Looks again and again, at whoever answers: a service that goes away, comes back, or never was there. */
export class Watch {
  readonly #where: Where
  #connection: Connection | undefined
  /** Beside a service: its queue tells how much was added and has ended. */
  #reading: DirectOperator | undefined
  #announced: string | undefined
  #looks = 0
  last: Look | undefined
  rates: Rates | null = null
  /** Why the last look is an old one. */
  trouble: string | undefined

  constructor(where: Where) {
    this.#where = where
  }

  /** Never rejects: what went wrong is told as trouble. */
  async look(): Promise<void> {
    try {
      if (this.#isOutdated()) this.close()
      const { operator, note } = (this.#connection ??= await this.#connect())
      const now = await look(operator, this.#reading)
      this.rates = ratesOf(this.last, now)
      this.last = now
      this.trouble = note
    } catch (error) {
      this.trouble = oneLine(error)
      this.rates = null
      this.close()
    }
  }

  close(): void {
    for (const one of [this.#connection?.operator, this.#reading])
      void Promise.resolve(one?.close()).catch(() => {})
    this.#connection = undefined
    this.#reading = undefined
  }

  async #connect(): Promise<Connection> {
    this.#announced = this.#said()
    this.#looks = 0
    const connection = await connect(this.#where)
    this.#reading = await connection.direct?.().catch(() => undefined)
    return connection
  }

  /** A service that starts says so in its data folder. */
  #isOutdated(): boolean {
    if (this.#connection === undefined || !isDirect(this.#connection.operator)) return false
    return ++this.#looks >= patience || this.#said() !== this.#announced
  }

  #said(): string | undefined {
    const said = readServiceFile(this.#where.data)
    return said && `${said.pid} ${said.url}`
  }
}
