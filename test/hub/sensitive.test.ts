/** Rows of sensitive tables: asked for by those only who may have them, and kept apart from the others. */
import { describe, expect, it } from 'vitest';
import { withPostgres } from '../helpers/postgres.ts';
import { hubFixture } from './hub-fixture.ts';

describe('a query about a sensitive table', () => {
  const postgres = withPostgres();

  it('is refused before anything is sent when its asker may not have the rows', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.sensitive = ['shadow'];
    await fixture.startHub();
    const bob = fixture.database.pool(await fixture.database.urlAs('bob', ['swarmplane_asker']));
    const { rows } = await bob.query<{ id: number }>(
      `insert into swarmplane.request (sql) values ('select * from shadow') returning id`,
    );
    expect(await fixture.ended(rows[0]!.id)).toEqual({ refused: 3 });
    expect(fixture.asker.asked).toEqual([]);
    const said = await bob.query<{ error: string; code: string }>(
      'select distinct error, code from swarmplane.request_status',
    );
    expect(said.rows).toEqual([
      {
        code: 'sensitive',
        error:
          'bob may not have rows of the sensitive table shadow; hint: swarmplane hub grant --role sensitive bob',
      },
    ]);
  });

  it('gives rows to members of swarmplane_sensitive and to nobody else, whoever asked', async () => {
    const fixture = await hubFixture(postgres());
    fixture.asker.sensitive = ['shadow'];
    await fixture.startHub();
    const roles = ['swarmplane_asker', 'swarmplane_sensitive'];
    const sven = fixture.database.pool(await fixture.database.urlAs('sven', roles));
    const bob = fixture.database.pool(await fixture.database.urlAs('bob', ['swarmplane_asker']));
    const { rows } = await sven.query<{ id: number }>(
      `insert into swarmplane.request (sql) values ('select * from shadow') returning id`,
    );
    expect(await fixture.ended(rows[0]!.id)).toEqual({ ok: 3 });
    const count = 'select count(*)::int as n from swarmplane.result';
    expect((await sven.query(count)).rows).toEqual([{ n: 3 }]);
    expect((await bob.query(count)).rows).toEqual([{ n: 0 }]);
    fixture.asker.sensitive = [];
    const plain = await bob.query<{ id: number }>(
      `insert into swarmplane.request (sql) values ('select * from users') returning id`,
    );
    expect(await fixture.ended(plain.rows[0]!.id)).toEqual({ ok: 3 });
    expect((await bob.query(count)).rows).toEqual([{ n: 3 }]);
  });
});
