const pattern =
  /^(?:D:)?(\d{4})-?(\d\d)?-?(\d\d)?T?(\d\d)?:?(\d\d)?:?(\d\d)?(?:\.\d+)?(?:(Z)|([+-])(\d\d)[':]?(\d\d)?)?/

/**
 * A date of a PDF in ISO 8601, such as `2024-02-29T13:15:00+01:00`: with the offset it says, and without one where it
 * says none. Takes those of ISO 32000-1, 7.9.4, such as `D:20240229131500+01'00'`, and those of XMP.
 * @returns undefined for what is no date
 */
export function isoDate(text: unknown): string | undefined {
  const parts = typeof text === 'string' ? pattern.exec(text.trim()) : null
  if (parts === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00'] = parts
  const [utc, sign, hours, minutes = '00'] = parts.slice(7)
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const offset = utc ?? (sign === undefined ? '' : `${sign}${hours}:${minutes}`)
  const date = new Date(`${local}Z`)
  const isReal = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(local)
  return isReal && !Number.isNaN(Date.parse(local + offset)) ? local + offset : undefined
}
