/** URLs for people: no password in them, and a password file that libpq takes; test/cli/hub.long.test.ts logs in with one. */
import { describe, expect, it } from 'vitest';
import { loginOf } from '../../../src/hub/database/login.ts';

describe('a login', () => {
  it.each([
    [
      'postgres://ann:s3cret@127.0.0.1:5433/fleet',
      'postgres://ann@127.0.0.1:5433/fleet?passfile=/a%20b/pgpass',
      '127.0.0.1:5433:fleet:ann:s3cret\n',
    ],
    [
      'postgresql://ann:a%3Ab%5Cc@db.example/fleet?sslmode=require',
      'postgresql://ann@db.example/fleet?sslmode=require&passfile=/a%20b/pgpass',
      'db.example:5432:fleet:ann:a\\:b\\\\c\n',
    ],
    [
      'postgres:///fleet?host=/run/pg&user=ann&password=s3cret&sslpassword=x',
      'postgres:///fleet?host=%2Frun%2Fpg&user=ann&passfile=/a%20b/pgpass',
      '/run/pg:5432:fleet:ann:s3cret\n',
    ],
    [
      'postgres://ann:s3cret@[::1]/fleet',
      'postgres://ann@[::1]/fleet?passfile=/a%20b/pgpass',
      '\\:\\:1:5432:fleet:ann:s3cret\n',
    ],
    ['postgres://ann@db/fleet', 'postgres://ann@db/fleet', undefined],
    ['socket:/run/pg?db=fleet', 'socket:/run/pg?db=fleet', undefined],
  ])('of %s', (given, url, passfile) => {
    expect(loginOf(given, '/a b/pgpass')).toEqual({ url, passfile });
  });
});
