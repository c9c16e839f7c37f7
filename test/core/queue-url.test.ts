import test from 'ava'
import { isPostgres, queueUrl, withoutPassword } from '../../src/core/queue-url.ts'

for (const url of [
  'memory:',
  'sqlite:data/queue.db',
  'sqlite:/a folder/with@sign#1.db',
  'postgres://localhost/shop',
  'postgresql://me:hunter2@db.example:5433/shop?schema=orders&sslmode=require',
  'postgres://me:a%40b%23c@db.example/shop',
  'postgres:///shop?host=%2Fvar%2Frun%2Fpostgresql',
]) {
  test(`${url} is the URL of a queue`, (t) => {
    t.is(queueUrl(url, 'queue'), url)
    t.is(isPostgres(url), url.startsWith('postgres'))
  })
}

for (const url of [
  '',
  'sqlite:',
  'memory',
  'redis://me:hunter2@db.example',
  'me:hunter2@db.example/shop',
  'postgres:shop',
  'postgres://me:hunter2@db.example:many/shop',
  // Half of the password would be the port, the path, the query or the fragment.
  'postgres://me:12#hunter2@db.example/shop',
  'postgres://me:12/hunter2@db.example/shop',
  'postgres://me:12?hunter2@db.example/shop',
  'postgres://me:hunter2 @db.example /shop',
]) {
  test(`${JSON.stringify(url)} is refused, and what refuses it shows no password`, (t) => {
    const { message } = t.throws(() => queueUrl(url, 'AFTERWORK_QUEUE'), { code: 'AFTERWORK_BAD_OPTION' })
    t.regex(message, /^AFTERWORK_QUEUE: Expected [^\n]+$/)
    t.notRegex(message, /hunter2/)
  })
}

test('a URL is shown without its password, wherever that is in it', (t) => {
  t.is(
    withoutPassword('postgres://me:hunter2@db.example:5433/shop?schema=a'),
    'postgres://me@db.example:5433/shop?schema=a',
  )
  t.is(
    withoutPassword('postgres://db.example/shop?password=hunter2&sslpassword=b&schema=a'),
    'postgres://db.example/shop?schema=a',
  )
  t.is(withoutPassword('postgres://db.example/shop?password=a&password=b'), 'postgres://db.example/shop')
  t.is(withoutPassword('sqlite:data/a@b.db'), 'sqlite:data/a@b.db')
  t.is(withoutPassword('memory:'), 'memory:')
  t.is(withoutPassword('me:hunter2@db.example'), 'something else')
})
