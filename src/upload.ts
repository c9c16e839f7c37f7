export type { StoredFile } from './core/stored-file.ts'
export { upload, type Upload, type UploadOptions } from './koa/upload.ts'
