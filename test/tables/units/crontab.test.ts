import { expect, test } from 'vitest';

import { crontab } from '../../../src/tables/units/crontab.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

test('crontab reads the tables of the system and of users', async () => {
  const root = fakeRoot({
    'etc/crontab':
      'SHELL=/bin/sh\n# x\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n',
    'etc/cron.d/job': '@reboot root /bin/true\nMAILTO = "x"\nbroken line\n',
    'var/spool/cron/crontabs/ann': '*/5 1-3 * jan mon,tue echo "a=b"  c\n',
  });
  const rows = await rowsOf(crontab, { root });
  expectShape(crontab, rows);
  expect(rows).toEqual([
    {
      event: '',
      minute: '17',
      hour: '*',
      day_of_month: '*',
      month: '*',
      day_of_week: '*',
      command: 'root\tcd / && run-parts --report /etc/cron.hourly',
      path: '/etc/crontab',
    },
    {
      event: '@reboot',
      minute: '',
      hour: '',
      day_of_month: '',
      month: '',
      day_of_week: '',
      command: 'root /bin/true',
      path: '/etc/cron.d/job',
    },
    {
      event: '',
      minute: '*/5',
      hour: '1-3',
      day_of_month: '*',
      month: 'jan',
      day_of_week: 'mon,tue',
      command: 'echo "a=b"  c',
      path: '/var/spool/cron/crontabs/ann',
    },
  ]);
});
