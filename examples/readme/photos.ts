// photos.ts
import type { StoredFile } from 'afterwork/worker'
import sharp from 'sharp'

export async function shrink(photo: StoredFile) {
  const thumbnail = `${photo.path}.small.webp`
  const { width, height, size } = await sharp(photo.path).autoOrient().resize(640).toFile(thumbnail)
  return { thumbnail, width, height, size }
}
