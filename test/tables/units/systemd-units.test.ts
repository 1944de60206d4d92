import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { parseJobs, parseUnits } from '../../../src/tables/units/systemctl.ts';
import { systemdUnits, unitRow } from '../../../src/tables/units/systemd-units.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { only } from '../../helpers/needs.ts';

const running = existsSync('/run/systemd/system');

/** As systemctl 252 prints it. */
const SHOWN = `Id=dev-disk-by\\x2dlabel-a.device
Following=sys-devices-a.device
Description=A = B
LoadState=loaded
ActiveState=active
SubState=plugged
UnitFileState=

User=postgres
Id=postgresql@18-main.service
Following=
Description=PostgreSQL Cluster 18-main
LoadState=loaded
ActiveState=activating
SubState=start
FragmentPath=/lib/systemd/system/postgresql@.service
SourcePath=
UnitFileState=enabled-runtime
Job=77
`;

describe('systemd_units', () => {
  test('what systemctl shows becomes rows', () => {
    const jobs = parseJobs(' 77 postgresql@18-main.service start running\n');
    const rows = parseUnits(SHOWN).map((unit) => unitRow(unit, jobs));
    expectShape(systemdUnits, rows);
    expect(rows[0]).toMatchObject({
      id: 'dev-disk-by\\x2dlabel-a.device',
      description: 'A = B',
      following: 'sys-devices-a.device',
      object_path: '/org/freedesktop/systemd1/unit/dev_2ddisk_2dby_5cx2dlabel_2da_2edevice',
      job_id: 0,
      job_path: '/',
    });
    expect(rows[1]).toMatchObject({
      id: 'postgresql@18-main.service',
      active_state: 'activating',
      sub_state: 'start',
      unit_file_state: 'enabled-runtime',
      fragment_path: '/lib/systemd/system/postgresql@.service',
      user: 'postgres',
      job_id: 77,
      job_type: 'start',
      job_path: '/org/freedesktop/systemd1/job/77',
    });
  });

  test('a host where systemd is not running says so', async () => {
    await expect(rowsOf(systemdUnits, { root: fakeRoot({}) })).rejects.toThrow(
      'systemd is not running on this host',
    );
  });

  only(running, 'under systemd')('are those that systemctl lists', async () => {
    const rows = await rowsOf(systemdUnits);
    const listed = execFileSync('systemctl', ['list-units', '--all', '--plain', '--no-legend'], {
      encoding: 'utf8',
    });
    const ids = listed
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[0]);
    expect(rows.map((row) => row.id)).toEqual(expect.arrayContaining(ids));
  });
});
