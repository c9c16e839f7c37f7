export { createAfterwork, type Afterwork } from './afterwork.ts'
export type { AfterworkOptions } from './afterwork-options.ts'
export type { AttemptRecord, AttemptState } from './core/attempt.ts'
export type { TransactionClient } from './core/client.ts'
export type { Duration } from './core/duration.ts'
export { AfterworkError, errorCodes, type ErrorCode } from './core/errors.ts'
export type { AfterworkEvents, EventName, LogLevel, TaskEvent } from './core/events.ts'
export { toError, type Failure } from './core/failure.ts'
export type {
  Backoff,
  CallOptions,
  DefinitionOptions,
  OnEnded,
  RateLimit,
  TaskOptions,
} from './core/options.ts'
export type { PoolOptions, PoolState } from './core/pool.ts'
export type { AddTask, ArgsOf, ResultOf, Task, TaskReference } from './core/reference.ts'
export type { StoredFile } from './core/stored-file.ts'
export type { EndedTask } from './core/on-ended.ts'
export type { AddedTask, Progress, TaskRecord, TaskState } from './core/task.ts'
// For its types alone: `ctx.background`.
import './koa/middleware.ts'
export { background, type Background } from './koa/background.ts'
export type { IdempotencyOptions } from './koa/idempotency.ts'
export { Problem, problems } from './koa/problem.ts'
export type { TaskDocument } from './koa/task-document.ts'
export type { MetricsOptions, MetricsRegistry } from './observe/metrics.ts'
export type { Records } from './queue/queue.ts'
