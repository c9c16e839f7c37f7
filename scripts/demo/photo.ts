import sharp from 'sharp'

const width = 4_000
const height = 3_000

/** A picture of 12 megapixels as a camera would give it: hills in the evening, with the grain of a sensor. */
export async function makePhoto(): Promise<File> {
  const grain = await sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 24 },
    },
  })
    .png({ compressionLevel: 0 })
    .toBuffer()
  const jpeg = await sharp(Buffer.from(scene()))
    .composite([{ input: grain, blend: 'soft-light' }])
    .jpeg({ quality: 88 })
    .toBuffer()
  return new File([new Uint8Array(jpeg)], 'evening.jpg', { type: 'image/jpeg' })
}

function scene(): string {
  const hills = ['#6d5a86', '#4f4573', '#35335a', '#1d2340']
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <linearGradient id="sky" x2="0" y2="1">
      <stop offset="0" stop-color="#27426f" /><stop offset=".45" stop-color="#c9788a" /><stop offset=".7" stop-color="#ffc48a" />
    </linearGradient>
    <radialGradient id="sun">
      <stop offset="0" stop-color="#fff8dc" /><stop offset=".25" stop-color="#ffe2a0" /><stop offset="1" stop-color="#ffc48a" stop-opacity="0" />
    </radialGradient>
    <rect width="100%" height="100%" fill="url(#sky)" />
    <circle cx="2700" cy="1500" r="800" fill="url(#sun)" />
    ${hills.map((color, row) => `<path d="${ridge(1_650 + row * 330, row)}" fill="${color}" />`).join('\n    ')}
  </svg>`
}

/** The outline of a chain of hills about `top` pixels below the upper edge. */
function ridge(top: number, row: number): string {
  let path = `M0 ${height}`
  for (let x = 0; x <= width; x += 10) {
    const waves =
      Math.sin(x / 530 + row * 2) * 130 + Math.sin(x / 190 + row * 5) * 45 + Math.sin(x / 41 + row) * 9
    path += `L${x} ${Math.round(top - waves)}`
  }
  return `${path}L${width} ${height}Z`
}
