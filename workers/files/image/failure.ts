import { fileError } from '../error.ts'

/** No step of a sound image takes as long; native code heeds neither a signal nor the end of its thread. */
export const maxSeconds = 30

/** Throws IMAGE_TIMEOUT or BROKEN_IMAGE for sharp's errors, which have no codes and hold paths of ours: they are for the log. */
export function rethrow(cause: Error): never {
  if (cause.message.startsWith('timeout')) {
    throw fileError(
      'IMAGE_TIMEOUT',
      `Expected an image that takes less than ${maxSeconds} s, got a slower one`,
      cause,
    )
  }
  throw fileError('BROKEN_IMAGE', 'Expected a whole image, got one that is truncated or corrupt', cause)
}
