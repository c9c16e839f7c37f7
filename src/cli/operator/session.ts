import { AfterworkError } from '../../core/errors.ts'
import { readFlags, type Flags, type Spec } from '../flags.ts'
import { endWithReader, print, tell } from '../output/print.ts'
import { usage } from '../usage.ts'
import { readWhere } from '../where.ts'
import { connect, type Connection } from './connect.ts'

/** What a command has: its flags, and whom to ask. */
export interface Session extends Connection {
  flags: Flags
}

/** A command that works on tasks or pools: its flags beside the common ones, what it checks of them, what it does. */
export interface Command<T> {
  name: string
  spec: Spec
  /** Throws AFTERWORK_BAD_OPTION before anybody is asked. */
  read(flags: Flags): T
  run(session: Session, asked: T): Promise<void>
}

/** Runs a command. The exit code is 2 when it was asked wrongly, 1 when something went wrong. */
export async function runCommand<T>(command: Command<T>, args: readonly string[]): Promise<void> {
  endWithReader()
  let connection: Connection | undefined
  try {
    const flags = readFlags(command.name, command.spec, args)
    if (flags.help) return await print(usage)
    const asked = command.read(flags)
    connection = await connect(readWhere(flags.where, process.env))
    if (connection.note !== undefined) tell(`${connection.note}; this is what the file says`)
    await command.run({ ...connection, flags }, asked)
  } catch (error) {
    process.exitCode = error instanceof AfterworkError && error.code === 'AFTERWORK_BAD_OPTION' ? 2 : 1
    throw error
  } finally {
    await connection?.operator.close()
  }
}
