import type { Entry, ZipFile } from 'yauzl'
import type { FindingList, FindingSubject } from './findings.ts'

/** Sizes and checksum follow the data, and are zero before them. */
const descriptorFlag = 0x8
/** Names and sizes are hidden before the data. */
const maskedFlag = 0x2000
const encryptedFlag = 0x1
/** The true size is in an extra field. */
const zip64 = 0xffffffff

/**
 * Compares what an archive's directory says of an entry with the header before its data: programs that stream read the
 * latter, and others the former.
 * @returns where the data begin, or undefined if they are not there; the findings say so
 */
export async function compareHeaders(
  zip: ZipFile,
  entry: Entry,
  subject: FindingSubject,
  findings: FindingList,
): Promise<number | undefined> {
  const local = await zip.readLocalFileHeaderPromise(entry).catch(() => undefined)
  if (local === undefined) {
    findings.add('CORRUPT', 'Its data are not where the directory of the archive says.', subject)
    return undefined
  }
  if ((local.generalPurposeBitFlag & maskedFlag) !== 0) return local.fileDataStart

  const differences = [
    !local.fileName.equals(entry.fileNameRaw) && 'name',
    local.compressionMethod !== entry.compressionMethod && 'method',
    ((local.generalPurposeBitFlag ^ entry.generalPurposeBitFlag) & encryptedFlag) !== 0 && 'encryption',
  ]
  const described = (local.generalPurposeBitFlag & descriptorFlag) === 0
  if (described) differences.push(local.crc32 !== entry.crc32 && 'checksum')
  const differing = differences.filter((difference) => difference !== false)
  if (differing.length > 0) {
    const message = `The header before its data gives another ${differing.join(' and ')} than the directory.`
    findings.add('LYING_HEADER', message, subject)
  }
  const sizes: [number, number][] = [
    [local.compressedSize, entry.compressedSize],
    [local.uncompressedSize, entry.uncompressedSize],
  ]
  const isOther = ([before, declared]: [number, number]) =>
    before !== declared && before !== zip64 && (described || before !== 0)
  if (sizes.some(isOther)) {
    findings.add('LYING_SIZE', 'The header before its data gives another size than the directory.', subject)
  }
  return local.fileDataStart
}
