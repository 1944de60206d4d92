import { expect, test } from 'vitest';

import { serviceRow, services } from '../../../src/tables/units/services.ts';
import { startupItems } from '../../../src/tables/units/startup-items.ts';
import { parseUnits } from '../../../src/tables/units/systemctl.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

test('services: what systemctl shows becomes rows', () => {
  const shown =
    'Id=nginx.service\nDescription=A web server\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nUnitFileState=enabled\nMainPID=612\nExecMainStatus=0\nExecMainExitTimestampMonotonic=0\nNRestarts=2\nMemoryCurrent=4096\nStateChangeTimestampMonotonic=5500000\nFragmentPath=/lib/systemd/system/nginx.service\n\n' +
    'Id=broken.service\nActiveState=failed\nSubState=failed\nResult=exit-code\nMainPID=0\nExecMainStatus=203\nExecMainExitTimestampMonotonic=7\nNRestarts=0\nMemoryCurrent=18446744073709551615\nStateChangeTimestampMonotonic=0\n';
  const rows = parseUnits(shown).map((unit) => serviceRow(unit, 1000));
  expectShape(services, rows);
  expect(rows).toMatchObject([
    {
      name: 'nginx',
      load_state: 'loaded',
      state: 'active',
      pid: 612,
      exit_status: null,
      restarts: 2,
      memory: 4096,
      since: 1005,
    },
    { name: 'broken', result: 'exit-code', pid: null, exit_status: 203, memory: null, since: null },
  ]);
});

test('services: a host where systemd is not running says so', async () => {
  await expect(rowsOf(services, { root: fakeRoot({}) })).rejects.toThrow('systemd is not running');
});

test('startup_items: desktop entries, scripts, and a word about units where there is no systemd', async () => {
  const uid = process.getuid!();
  const root = fakeRoot({
    'etc/passwd': `ann:x:${uid}:0::/home/ann:\n`,
    'etc/init.d/ssh': '',
    'etc/init.d/README': '',
    'etc/xdg/autostart/a.desktop': '[Desktop Entry]\nName=A\nExec="/opt/my app" --x y\nName=no\n',
    'home/ann/.config/autostart/b.desktop': '[Desktop Entry]\nName=B\nExec=b\nHidden=true\n',
    'home/ann/.config/autostart-scripts/c.sh': '',
  });
  const context = contextFor(startupItems, { root });
  const rows = startupItems.kind === 'snapshot' ? await startupItems.collect(context) : [];
  expectShape(startupItems, rows);
  expect(rows.map((row) => [row.name, row.path, row.args, row.status, row.username])).toEqual([
    ['B', 'b', undefined, 'disabled', 'ann'],
    ['c.sh', '/home/ann/.config/autostart-scripts/c.sh', undefined, 'enabled', 'ann'],
    ['A', '/opt/my app', '--x y', 'enabled', undefined],
    ['ssh', '/etc/init.d/ssh', undefined, 'enabled', undefined],
  ]);
  expect(context.warnings).toEqual([expect.stringContaining('no systemd units listed')]);
});
