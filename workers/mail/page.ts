/** Light colours are set, dark ones left to the reader's own program, which knows how it inverts. */
const style = `:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:0}
img{max-width:100%;height:auto;border:0}
h1,h2,h3{line-height:1.25;margin:1.4em 0 .6em}
pre{overflow-x:auto;padding:12px;border:1px solid #8885;border-radius:6px}
pre,code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px}
blockquote{margin:1em 0;padding:0 0 0 14px;border-left:3px solid #8888}
.body table{border-collapse:collapse}
.body th,.body td{border:1px solid #8888;padding:6px 12px;text-align:left}
hr{border:0;border-top:1px solid #8888;margin:24px 0}`

/** Written on the element, too, for programs that drop the style sheet. */
const column =
  "max-width:600px;margin:0 auto;padding:24px 16px;font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.55"

/** A readable page of a title and a body in HTML: one column in the reader's own font, for light and dark programs. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>
${style}
</style>
</head>
<body>
<div class="body" style="${column}">
${body}</div>
</body>
</html>
`
}
