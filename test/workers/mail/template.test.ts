import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { render } from '../../../workers/mail/template.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { composed, examples, isRetried } from './composing.ts'

/** A folder with these templates. */
async function templates(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'partials'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

/** Writes a file as an editor does, so that no reader ever sees half of it. */
async function replace(folder: string, name: string, text: string): Promise<void> {
  await writeFile(join(folder, 'new'), text)
  await rename(join(folder, 'new'), join(folder, name))
}

/** The HTML of one template with this text. */
async function shown(t: ExecutionContext, text: string, data: Record<string, unknown>): Promise<string> {
  const folder = await templates(t, { 'one.hbs': text })
  return (await render(folder, 'one', { data })).html!
}

/** What a template fails with, which must be for good. */
async function failure(t: ExecutionContext, text: string, data: Record<string, unknown> = {}) {
  const error = await t.throwsAsync(shown(t, text, data))
  t.false(isRetried(error))
  return error as Error & { code: string }
}

test('the examples make mails that are whole: subject, page, text', async (t) => {
  const welcome = await composed({
    template: 'welcome',
    data: { name: 'Mira <3', confirmUrl: 'https://example.com/c' },
  })
  t.is(welcome.subject, 'Welcome, Mira <3')
  t.regex(welcome.html!, /^<!doctype html>[^]*<title>Welcome, Mira &lt;3<\/title>[^]*<\/html>\s*$/)
  t.regex(welcome.text!, /^Welcome, Mira <3\n[^]*Confirm my address <https:\/\/example.com\/c>/)
  t.notRegex(welcome.html!, /<img/)

  const items = [{ name: 'A pen & paper', price: '1.20 €' }]
  const data = { name: 'Mira', number: 'R-17', date: '21 November 2026', items, total: '1.20 €' }
  const receipt = await composed({ template: 'receipt', data })
  t.is(receipt.subject, 'Your receipt R-17')
  t.regex(receipt.html!, /A pen &amp; paper/)
  t.regex(receipt.text!, /^Thank you, Mira\n[^]*- A pen & paper: 1.20 €\n\nTotal: 1.20 €/)
})

test('values are escaped in HTML, shown as they are in texts and subjects, partials included', async (t) => {
  const folder = await templates(t, {
    'one.hbs': '{{> part}}{{{raw}}}',
    'one.txt.hbs': '{{> part}}',
    'one.subject.hbs': '{{> part}}',
    'partials/part.hbs': '[{{value}}]',
  })
  const data = { value: `<b> & "q"`, raw: '<i>' }
  for (let round = 0; round < 2; round++)
    t.deepEqual(await render(folder, 'one', { data }), {
      subject: '[<b> & "q"]',
      text: '[<b> & "q"]',
      html: '[&lt;b&gt; &amp; &quot;q&quot;]<i>',
    })
})

test('a subject of the request stands before that of the template; data makes no second line of it', async (t) => {
  const folder = await templates(t, { 'one.hbs': 'x', 'one.subject.hbs': '\nFor {{name}}\n' })
  const name = ' Mira\r\nBcc: evil@example.org\u2028\0 '
  t.is(
    (await composed({ template: 'one', data: { name } }, 'x', folder)).subject,
    'For Mira Bcc: evil@example.org',
  )
  t.is((await composed({ template: 'one', data: { name }, subject: 'Mine' }, 'x', folder)).subject, 'Mine')
  for (const bad of ['x'.repeat(1_000)])
    await t.throwsAsync(composed({ template: 'one', data: { name: bad } }, 'x', folder), {
      code: 'BAD_SUBJECT',
    })
  await replace(folder, 'one.subject.hbs', '{{name}}')
  await t.throwsAsync(composed({ template: 'one', data: { name: '\n' } }, 'x', folder), {
    code: 'BAD_SUBJECT',
  })
})

test('a text without a page is a mail of text alone', async (t) => {
  const folder = await templates(t, { 'one.txt.hbs': 'Hi {{name}}', 'layout.hbs': '<p>{{{body}}}</p>' })
  t.deepEqual(await render(folder, 'one', { data: { name: 'Mira' }, subject: 's' }), {
    subject: 's',
    text: 'Hi Mira',
  })
})

test('a template that has changed is compiled again, its layout and partials too', async (t) => {
  const folder = await templates(t, {
    'one.hbs': 'one {{> part}}',
    'partials/part.hbs': 'part',
    'layout.hbs': '<{{{body}}}>',
  })
  const html = async () => (await render(folder, 'one', { data: {} })).html
  t.is(await html(), '<one part>')
  await replace(folder, 'one.hbs', 'two {{> part}}')
  t.is(await html(), '<two part>')
  await replace(folder, 'partials/part.hbs', 'other')
  t.is(await html(), '<two other>')
  await replace(folder, 'layout.hbs', '[{{{body}}}]')
  t.is(await html(), '[two other]')
  await rm(join(folder, 'layout.hbs'))
  t.is(await html(), 'two other')
  await rm(join(folder, 'one.hbs'))
  await t.throwsAsync(html, { code: 'TEMPLATE_MISSING' })
})

test('a value that is missing fails the mail for good and is named, with its place', async (t) => {
  const missing = await failure(t, 'Hi\n{{name}}')
  t.is(missing.code, 'TEMPLATE_DATA')
  t.is(missing.message, 'Expected a value for name in data, got none: line 2 of one.hbs shows it')
  t.is((await failure(t, '{{user.name}}', { user: {} })).code, 'TEMPLATE_DATA')
  t.is((await failure(t, '{{user.name}}')).code, 'TEMPLATE_DATA')
  t.is((await failure(t, '{{user.first.name}}', { user: { first: 'a secret' } })).code, 'TEMPLATE_DATA')
  t.is((await failure(t, '{{#each items}}{{price}}{{/each}}', { items: [{}] })).code, 'TEMPLATE_DATA')
  t.is((await failure(t, '{{user}}', { user: { name: 'x' } })).code, 'TEMPLATE_DATA')
  await t.throwsAsync(render(examples, 'welcome', { data: { name: 'Mira' } }), {
    code: 'TEMPLATE_DATA',
    message: 'Expected a value for url in data, got none: partials/button.hbs shows it',
  })
  t.is((await failure(t, '{{users}}', { users: [{ name: 'x' }] })).code, 'TEMPLATE_DATA')
  t.false(
    (await failure(t, '{{user.first.name}}', { user: { first: 'a secret' } })).message.includes('secret'),
  )
  t.is(
    await shown(t, '{{#if name}}Hi {{name}}{{else}}Hi{{/if}} {{zero}}{{none}}', { zero: 0, none: null }),
    'Hi 0',
  )
})

test('a template that cannot be parsed or rendered fails the mail for good, with its line', async (t) => {
  const unclosed = await failure(t, 'one\n{{#if x}}\n')
  t.is(unclosed.code, 'BAD_TEMPLATE')
  t.regex(unclosed.message, /line 3 of one\.hbs/)
  for (const text of ['{{#if x}}{{/each}}', '{{', '{{> no-such-partial}}', '{{#each}}']) {
    const { code, message } = await failure(t, text)
    t.is(code, 'BAD_TEMPLATE', text)
    t.regex(message, /one\.hbs/)
  }
  const folder = await templates(t, { 'one.hbs': '{{> self}}', 'partials/self.hbs': '\n{{> self}}' })
  await t.throwsAsync(render(folder, 'one', { data: {} }), { code: 'BAD_TEMPLATE', message: /self\.hbs/ })
  await replace(folder, 'partials/self.hbs', '\n{{#if}')
  await t.throwsAsync(render(folder, 'one', { data: {} }), {
    code: 'BAD_TEMPLATE',
    message: /line 2 of partials\/self/,
  })
})

const builtIn = [
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  '__lookupGetter__',
]
for (const name of builtIn) {
  test(`${name} is a value like any other: missing, or what was sent`, async (t) => {
    t.is((await failure(t, `{{${name}}}`)).code, 'TEMPLATE_DATA')
    t.is((await failure(t, `{{user.${name}}}`, { user: {} })).code, 'TEMPLATE_DATA')
    t.is(await shown(t, `{{#if user.${name}}}there{{/if}}{{lookup user "${name}"}}`, { user: {} }), '')
    const sent = JSON.parse(`{"user": {"${name}": "sent"}}`) as Record<string, unknown>
    t.is(await shown(t, `{{user.${name}}}`, sent), 'sent')
  })
}

test('nothing of the data is compiled or called, whatever it is named', async (t) => {
  const code = '{{constructor.constructor "return process"}}{{{{raw}}}}{{#each this}}'
  t.is(await shown(t, '{{{name}}}', { name: code }), code)
  const ast = {
    type: 'Program',
    body: [{ type: 'MustacheStatement', path: 0, params: [], loc: { start: 0 } }],
  }
  for (const template of ['{{> (lookup . "x")}}', '{{> x}}', '{{> (lookup . "y")}}']) {
    const { code: failed } = await failure(t, template, { x: ast, y: 'constructor', partials: { x: ast } })
    t.is(failed, 'BAD_TEMPLATE')
  }
  const helpers = ['if', 'each', 'with', 'lookup', 'log', 'unless', 'helperMissing', 'blockHelperMissing']
  const data = Object.fromEntries(helpers.map((name) => [name, `a value of ${name}`]))
  for (const name of helpers) t.is(await shown(t, `{{this.${name}}}`, data), `a value of ${name}`)
  t.is(await shown(t, '{{#if flag}}yes{{/if}}', { ...data, flag: true }), 'yes')
  t.is((await failure(t, '{{x}}', { x: { toHTML: 'x', toString: 'y' } })).code, 'TEMPLATE_DATA')
})

test('the folder of a template is the only one that is read', async (t) => {
  for (const name of ['../examples', 'partials/button', 'nosuch', ''])
    await t.throwsAsync(render(examples, name, { data: {} }), { code: 'TEMPLATE_MISSING' })
})
