import MarkdownIt from 'markdown-it'
import { page } from './page.ts'
import { wrap } from './wrap.ts'

/** What a link of a mail may lead to; a relative one leads nowhere. */
const linkable = /^(?:https?:|mailto:|tel:|cid:)/i
/** Where an image may come from: the message itself, or a server that nobody between can read along with. */
const loadable = /^(?:cid:|https:)/i

const markdownIt = new MarkdownIt({ html: false, linkify: true })
// A name such as `report.md` is no address of a web page, and `//` begins a comment more often than a link.
markdownIt.linkify.set({ fuzzyLink: false }).add('//', null)
markdownIt.validateLink = (url) => linkable.test(url.trim())

const image = markdownIt.renderer.rules['image']!
markdownIt.renderer.rules['image'] = (tokens, index, options, env, self) => {
  const token = tokens[index]!
  const source = String(token.attrGet('src') ?? '')
  if (loadable.test(source)) return image(tokens, index, options, env, self)
  return markdownIt.utils.escapeHtml(self.renderInlineAsText(token.children ?? [], options, env))
}

/**
 * The page that Markdown makes: CommonMark with tables and strikethrough, plain URLs and addresses as links. HTML in it
 * is shown as text, links lead to http, https, mailto and tel only, images are inline or from https.
 */
export function markdownToHtml(markdown: string, title = ''): string {
  return page(markdownIt.utils.escapeHtml(title), markdownIt.render(markdown))
}

/** Markdown as the text part: as it was written, in lines of at most 78 characters where words allow it. */
export function markdownAsText(markdown: string): string {
  return wrap(markdown)
}
