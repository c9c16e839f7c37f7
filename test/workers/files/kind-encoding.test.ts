import test, { type ExecutionContext } from 'ava'
import { kindOf } from '../../../workers/files/kind.ts'
import { encoded } from './encoded.ts'
import { store } from './subject.ts'

async function encoding(t: ExecutionContext, content: Uint8Array | string) {
  const kind = await kindOf((await store(t, content)).path)
  return kind === null ? null : (kind.encoding ?? kind.mime)
}

test('a byte order mark decides', async (t) => {
  t.is(await encoding(t, '\ufeffGrüße'), 'utf-8')
  for (const label of ['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be']) {
    t.is(await encoding(t, encoded('\ufeffGrüße aus Köln\n', label)), label)
  }
})

test('what is valid as UTF-8 is UTF-8, wherever the sample cuts a character', async (t) => {
  t.is(await encoding(t, 'plain ASCII'), 'utf-8')
  t.is(await encoding(t, 'ü'), 'utf-8')
  for (const offset of [0, 1, 2, 3]) {
    t.is(await encoding(t, 'x'.repeat(offset) + '😀'.repeat(60_000)), 'utf-8')
    t.is(await encoding(t, 'x'.repeat(offset) + '日本 '.repeat(60_000)), 'utf-8')
    t.is(await encoding(t, `${'x'.repeat(64 * 1024 - offset)}😀${'x'.repeat(100_000)}`), 'utf-8')
  }
})

test('a few damaged characters do not make UTF-8 another encoding', async (t) => {
  const text = Buffer.from('Grüße aus Köln und Düsseldorf. '.repeat(100))
  text[text.indexOf('ü') + 1] = 0x20
  t.is(await encoding(t, text), 'utf-8')
})

test('UTF-16 without a mark is known by its zeros', async (t) => {
  for (const text of [
    'Dear Anna,\r\nhow are you?\r\n',
    'Привет, как дела?\nВсе хорошо.\n',
    '日本語の文章です。\n'.repeat(20),
  ]) {
    t.is(await encoding(t, encoded(text, 'utf-16le')), 'utf-16le')
    t.is(await encoding(t, encoded(text, 'utf-16be')), 'utf-16be')
  }
})

test('a few Western letters are windows-1252', async (t) => {
  t.is(await encoding(t, encoded('Grüße', 'windows-1252')), 'windows-1252')
  t.is(await encoding(t, encoded('Name;Straße\nMüller;Königsallee 3\n', 'windows-1252')), 'windows-1252')
  t.is(await encoding(t, encoded('“Smart quotes” – and 5 €\n', 'windows-1252')), 'windows-1252')
  t.is(
    await encoding(t, encoded('La garçonne a mangé des crêpes à Besançon.\n'.repeat(20), 'windows-1252')),
    'windows-1252',
  )
})

test('letters that come only late in a long file count, too', async (t) => {
  const text = `${'plain ASCII\n'.repeat(20_000)}Grüße\n`
  t.is(await encoding(t, encoded(text, 'windows-1252')), 'windows-1252')
})

const texts: [string, string][] = [
  [
    'windows-1251',
    'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. ',
  ],
  ['koi8-r', 'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. '],
  ['windows-1253', 'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία και τα άλλα που είναι εδώ. '],
  ['windows-1255', 'דג סקרן שט בים מאוכזב ולפתע מצא חברה והוא שמח מאוד על כך. '],
  ['shift_jis', 'いろはにほへと ちりぬるを 我が世誰ぞ 常ならむ、日本語の文章です。'],
  ['euc-jp', 'いろはにほへと ちりぬるを 我が世誰ぞ 常ならむ、日本語の文章です。'],
  ['gb18030', '天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。我们在这里说中国话，他们也是。'],
  ['big5', '天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。我們在這裡說中國話，他們也是。'],
  ['euc-kr', '다람쥐 헌 쳇바퀴에 타고파. 우리는 여기에서 한국어로 말하고 있습니다. '],
]
for (const [label, text] of texts) {
  test(`text in ${label} is recognised, also among English`, async (t) => {
    t.is(await encoding(t, encoded(`${text}\n`.repeat(10), label)), label)
    t.is(
      await encoding(
        t,
        encoded(
          `<p class="news">Some more words of English than of the other language here</p> ${text}\n`.repeat(
            10,
          ),
          label,
        ),
      ),
      label,
    )
  })
}

test('a few words of another script among much English are recognised', async (t) => {
  const english = 'The settings of this program are kept in a file of their own.\n'.repeat(50)
  for (const label of ['windows-1251', 'koi8-r', 'iso-8859-5']) {
    t.is(await encoding(t, encoded(`${english}Настройки программы сохранены в файле.\n`, label)), label)
  }
})

test('letters in a row are not taken for kana of half width', async (t) => {
  const pangram = 'Съешь же ещё этих мягких французских булок, да выпей чаю.\n'.repeat(10)
  t.regex((await encoding(t, encoded(pangram, 'koi8-r'))) ?? '', /^(?:koi8-r|iso-8859-5)$/)
})

test('ISO-2022-JP is told from the colours of a terminal', async (t) => {
  t.is(await encoding(t, Buffer.from('\x1b$B$3$l\x1b(B\n')), 'iso-2022-jp')
  t.is(await encoding(t, '\x1b[31mred\x1b[0m costs 5\x1b$\n'), 'utf-8')
})

test('stray controls in a text are tolerated, but few', async (t) => {
  const text = 'A line of an export.\n'.repeat(50)
  t.is(await encoding(t, `${text}\0${text}`), 'utf-8')
  t.is(await encoding(t, 'a\0\x01b\x02'.repeat(20)), null)
})
