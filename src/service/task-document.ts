export { wholeTaskDocument, taskDocument } from '../koa/task-document.ts'
