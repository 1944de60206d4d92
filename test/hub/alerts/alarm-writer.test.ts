/** An alert is open as long as its alarm: said again before quiet ends it, without being counted. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { AlarmWriter } from '../../../src/hub/alerts/alarm-writer.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { AlertStore } from '../../../src/hub/alerts/alert-store.ts';
import { eachPostgres } from '../../helpers/postgres.ts';
import { ScriptedAsker } from '../scripted-asker.ts';
import { until } from '../../helpers/eventually.ts';

eachPostgres('an alert of an alarm', (postgres) => {
  it('stays open while the alarm is, and ends with it', async () => {
    const database = await postgres().createDatabase();
    const pool = database.pool();
    const asker = new ScriptedAsker(['hub1']);
    const writer = new AlarmWriter(asker, new AlertStore(pool), silentLog);
    onTestFinished(() => writer.stop());
    const alerted = (where: string): Promise<boolean> =>
      until(async () => {
        const { rowCount } = await pool.query(`select from swarmplane.alert where ${where}`);
        return rowCount! > 0;
      }, where);
    asker.alarm('name_reused', 'web1', 'two of them');
    await alerted(`key = 'web1'`);
    await pool.query(`update swarmplane.alert set last_at = now() - interval '59 minutes'`);
    writer.flush();
    const later = performance.now() + 301_000;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(later);
    onTestFinished(() => clock.mockRestore());
    writer.flush();
    await alerted(`last_at > now() - interval '1 minute'`);
    await pool.query('select swarmplane.look_after_alerts()');
    const read = `select count::int, resolved_at is null as open from swarmplane.alert order by id`;
    expect((await pool.query(read)).rows).toEqual([{ count: 1, open: true }]);
    // One that quiet has ended all the same opens anew.
    await pool.query(`update swarmplane.alert set resolved_at = now()`);
    clock.mockReturnValue(later + 301_000);
    writer.flush();
    await alerted(`resolved_at is null and count = 1`);
    asker.alarmOver('name_reused', 'web1');
    await alerted(`not exists (select from swarmplane.alert where resolved_at is null)`);
    clock.mockReturnValue(later + 902_000);
    writer.flush();
    await writer.stop();
    expect((await pool.query(read)).rows).toEqual([
      { count: 1, open: false },
      { count: 1, open: false },
    ]);
  });
});
