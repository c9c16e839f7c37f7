export { defineTasks, type Loader, type TaskModule, type TaskNames, type Tasks } from './core/definition.ts'
export type { Duration } from './core/duration.ts'
export type {
  Backoff,
  CallOptions,
  DefinitionOptions,
  OnEnded,
  RateLimit,
  TaskOptions,
} from './core/options.ts'
export type { AddTask, ArgsOf, ResultOf, Task, TaskReference } from './core/reference.ts'
