/** When the store thread of a test dies. */
export const death = {
  none: 0,
  beforeCommit: 1,
  /** Of what it has committed nobody is told. */
  afterCommit: 2,
  /** Each one that is started, until it is told otherwise. */
  atStart: 3,
} as const
