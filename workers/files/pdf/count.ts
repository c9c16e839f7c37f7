/** A text that can be stored as UTF-8, and what is in it. */
export interface CountedText {
  /** Without control characters, of which fonts' broken tables make many. */
  text: string
  /** Runs of anything but white space. */
  words: number
  /** Code points, spaces included, line breaks not. */
  characters: number
}

/** Counts words and characters in one pass. */
export function count(text: string): CountedText {
  let [words, characters, controls] = [0, 0, 0]
  let isInWord = false
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (isSpace(unit)) {
      isInWord = false
      if (unit !== lineFeed) characters++
    } else if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) {
      controls++
    } else {
      if (!isInWord) words++
      isInWord = true
      if (!isTrailing(unit)) characters++
    }
  }
  return { text: controls === 0 ? text : withoutControls(text), words, characters }
}

const lineFeed = 0x0a

function isSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || unit === lineFeed || unit === 0x09
  return (
    unit === 0xa0 ||
    unit === 0x3000 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x1680
  )
}

/** The second half of a code point beyond U+FFFF. */
function isTrailing(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '')
}
