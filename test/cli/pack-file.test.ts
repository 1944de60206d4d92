import { describe, expect, it } from 'vitest';
import { parsePack } from '../../src/cli/pack-file.ts';

const names = (text: string) => parsePack(text, 'p').entries.map((entry) => entry.name);

describe('query packs', () => {
  it('reads an osquery pack with comments, continued strings, platforms and discovery', () => {
    const pack = parsePack(
      `// a pack
{
  "platform": "linux",
  "discovery": ["select pid from processes where name = 'nginx';"],
  "queries": {
    "shells": {
      "query": "select * from users \\
        where shell like '%sh';",
      "interval": 3600,
      "description": "who may log in"
    },
    # another comment
    "mac": {"query": "select * from apps;", "interval": 60, "platform": "darwin"}
  }
}`,
      'p',
    );
    expect(pack).toEqual({
      discovery: ["select pid from processes where name = 'nginx';"],
      entries: [
        {
          name: 'shells',
          sql: "select * from users  where shell like '%sh'",
          policy: false,
          description: 'who may log in',
        },
        { name: 'mac', sql: 'select * from apps', policy: false, skipped: 'is for darwin' },
      ],
    });
  });

  it('reads an osquery configuration with a schedule and packs inside', () => {
    const text = JSON.stringify({
      schedule: { uptime: { query: 'select * from uptime', interval: 60 } },
      packs: { one: { queries: { os: { query: 'select * from os_version', interval: 60 } } } },
    });
    expect(names(text)).toEqual(['uptime', 'os']);
  });

  it('reads Fleet YAML: several documents, queries and policies', () => {
    const pack = parsePack(
      `apiVersion: v1
kind: policy
spec:
  name: Is there a root user
  query: SELECT 1 FROM users WHERE uid = 0;
  platform: linux
---
kind: query
spec:
  name: hosts
  query: select * from etc_hosts
`,
      'p',
    );
    expect(pack.entries.map(({ name, policy }) => [name, policy])).toEqual([
      ['Is there a root user', true],
      ['hosts', false],
    ]);
  });

  it("reads Fleet's GitOps lists, in a document or alone", () => {
    expect(
      names('policies:\n- name: a\n  query: select 1\nqueries:\n- name: b\n  query: select 2\n'),
    ).toEqual(['a', 'b']);
    expect(names('- name: c\n  query: select 3\n')).toEqual(['c']);
  });

  it.each(['', '{}', 'hello', '[1, 2]', 'a: [', '{"queries": {"x": 5}}'])(
    'refuses %j, naming the file',
    (text) => {
      expect(() => parsePack(text, 'my.conf')).toThrow('"my.conf"');
    },
  );
});
