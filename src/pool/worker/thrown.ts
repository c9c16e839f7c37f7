import { AfterworkError } from '../../core/errors.ts'
import { toFailure, type Failure } from '../../core/failure.ts'
import { steeringOf, type Steering } from '../../core/task-error.ts'

/** What a task threw, as it is told; reading a hostile error can throw again. */
export function readThrown(thrown: unknown): { failure: Failure; steering: Steering } {
  try {
    return { failure: toFailure(thrown), steering: steeringOf(thrown) }
  } catch (cause) {
    const error = new AfterworkError(
      'AFTERWORK_NOT_AN_ERROR',
      'The task threw something that cannot be read',
      { cause },
    )
    return { failure: toFailure(error), steering: steeringOf(undefined) }
  }
}
