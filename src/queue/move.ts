import { AfterworkError } from '../core/errors.ts'
import type { Moved } from './moved.ts'
import { Destination } from './postgres/moving/destination.ts'
import { movingQueue } from './sqlite/at-rest/entry.ts'

/** How far a move is, in tasks. */
export interface MoveProgress {
  done: number
  of: number
}

/** What a move has done: what was moved, and the new name of the file that it is kept in. */
export interface Move extends Moved {
  kept: string
}

/**
 * Moves all of a queue in a file into one in PostgreSQL, and sets the file aside. No process may work on the file. A crash
 * at any moment leaves all tasks in one of the two queues; moving again brings it to its end.
 * @throws AFTERWORK_QUEUE_IN_USE, AFTERWORK_QUEUE_UNUSABLE, AFTERWORK_QUEUE_CORRUPT, AFTERWORK_QUEUE_FAILED,
 * AFTERWORK_CONFLICT; nothing was moved then, unless the error says so
 */
export async function moveQueue(
  file: string,
  url: string,
  onProgress: (progress: MoveProgress) => void = () => {},
): Promise<Move> {
  const moving = await movingQueue(file)
  try {
    const destination = await Destination.open(url)
    try {
      const { seal } = moving
      if (seal !== undefined && seal.target !== destination.id)
        throw new AfterworkError(
          'AFTERWORK_QUEUE_UNUSABLE',
          `${file} was being moved to ${seal.url} when the process died: it may be there already, so move it there`,
        )
      let of: number | undefined
      const moved = await destination.take(moving, (done) =>
        onProgress({ done, of: (of ??= moving.extent().tasks) }),
      )
      return { ...moved, kept: moving.setAside() }
    } finally {
      await destination.close()
    }
  } finally {
    moving.close()
  }
}
