export type { LogLevel } from './core/events.ts'
export type { StoredFile } from './core/stored-file.ts'
export { TaskError, type TaskErrorOptions } from './core/task-error.ts'
export { currentTask, type CurrentTask, type TaskLog } from './pool/worker/current.ts'
