/** Key lists and alarms of the swarm in the tables of the hub. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { Identity } from '../../../src/secure/index.ts';
import { ALARM_KINDS } from '../../../src/swarm/index.ts';
import { eachPostgres } from '../../helpers/postgres.ts';
import { hubFixture } from '../hub-fixture.ts';

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const NOW = Math.floor(Date.now() / 1000);

eachPostgres('the hub', (postgres) => {
  it('keeps the key lists of all nodes, adds to them, and raises an alert on a fork', async () => {
    const fixture = await hubFixture(postgres());
    const { asker } = fixture;
    const first = Identity.create(random, NOW - 9_000);
    const second = first.rotate(random, NOW - 5_000);
    asker.keys.set('web1', first.entries);
    asker.keys.set('web2', Identity.create(random, NOW).entries);
    await fixture.startHub();
    const list = `select k.version, encode(entry, 'hex') as entry, encode(sign_key, 'hex') as sign_key
      from swarmplane.node_key k join swarmplane.node n on n.id = k.node_id
      where n.name = 'web1' order by k.version, k.first_seen`;
    const row = ({ version, bytes, signKey }: Identity['newest']) => ({
      version,
      entry: Buffer.from(bytes).toString('hex'),
      sign_key: Buffer.from(signKey).toString('hex'),
    });
    expect(await fixture.query(list)).toEqual([row(first.newest)]);

    asker.keys.set('web1', second.entries);
    asker.set('web1', 'alive');
    await fixture.until(`select from swarmplane.node_key where version = 1`);
    expect(await fixture.query(list)).toEqual(second.entries.map(row));
    expect(await fixture.query(`select kind from swarmplane.alert`)).toEqual([]);

    const other = first.rotate(random, NOW - 4_000);
    asker.keys.set('web1', [...second.entries, other.newest]);
    asker.set('web1', 'alive');
    await fixture.until(`select from swarmplane.alert where kind = 'key_conflict'`);
    expect(await fixture.query(list)).toEqual([...second.entries, other.newest].map(row));
  });

  it('writes every kind of alarm as an alert, and resolves it when its cause is over', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    for (const kind of ALARM_KINDS) fixture.asker.alarm(kind, 'k', `what ${kind} says`);
    await fixture.until(`select count(*) = ${ALARM_KINDS.length} as all from swarmplane.alert`);
    expect(
      await fixture.query(`select kind, message from swarmplane.alert order by kind collate "C"`),
    ).toEqual([...ALARM_KINDS].sort().map((kind) => ({ kind, message: `what ${kind} says` })));
    fixture.asker.alarmOver('fork', 'k');
    fixture.asker.alarmOver('probe_conflict', 'somebody else');
    await fixture.until(
      `select from swarmplane.alert where kind = 'fork' and resolved_at is not null`,
    );
    const open = `select count(*)::int as n from swarmplane.alert where resolved_at is null`;
    expect(await fixture.query(open)).toEqual([{ n: ALARM_KINDS.length - 1 }]);
  });
});
