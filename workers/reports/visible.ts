/**
 * What has no shape of its own or turns round what stands beside it: control and format characters, lone surrogates,
 * line and paragraph separators. The joiners of emoji and of Persian are left: they only join.
 */
const invisible = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu

/**
 * A text of somebody else's as a person may be shown it, on one line: a line break is `¶`, a tab `→`, a character that
 * would turn the text round `⟨U+202E⟩`.
 */
export function visible(text: string): string {
  return text
    .replace(/\r\n?|\n/g, '¶')
    .replace(/\t/g, '→')
    .replace(invisible, (character) => {
      const point = character.codePointAt(0)!
      return `⟨U+${point.toString(16).toUpperCase().padStart(4, '0')}⟩`
    })
}

/** A text for HTML, inside an element or a quoted attribute, with what is invisible made visible. */
export function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A text of at most so many characters, the last an ellipsis if some are left out. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  return `${text
    .slice(0, length - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`
}
