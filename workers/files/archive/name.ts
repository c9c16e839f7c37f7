/** What acts on a terminal, or turns the direction of writing: Trojan Source (CVE-2021-42574) names the latter. */
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Whether a name holds characters that act instead of being shown. */
export function hasControls(name: string): boolean {
  return name.search(controls) >= 0
}

/** Text from an archive as it may be shown: what would act on a terminal is replaced, and it is cut at a length. */
export function shown(text: string, length: number): string {
  const cut = text.length > length ? `${text.slice(0, length - 1)}…` : text
  return cut.replace(controls, '\ufffd').toWellFormed()
}
