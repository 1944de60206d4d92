/** time_sync from what the programs print: chrony 4.3 and systemd 252, recorded; ntpq as ntpsec's manual has it. */
import { expect, test } from 'vitest';

import {
  chronyRow,
  ntpdRow,
  timeSync,
  timesyncdRow,
} from '../../../src/tables/system/time-sync.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

/** `chronyc -n tracking` of a host that follows another. */
const CHRONY = `Reference ID    : CB00710F (203.0.113.15)
Stratum         : 3
Ref time (UTC)  : Fri Jan 27 09:49:17 2017
System time     : 0.000006523 seconds slow of NTP time
Last offset     : -0.000006747 seconds
RMS offset      : 0.000035822 seconds
Frequency       : 3.225 ppm slow
Residual freq   : -0.000 ppm
Skew            : 0.129 ppm
Root delay      : 0.013639022 seconds
Root dispersion : 0.001100737 seconds
Update interval : 64.2 seconds
Leap status     : Normal
`;
const CHRONY_LOST = `Reference ID    : 00000000 ()
Stratum         : 0
Ref time (UTC)  : Thu Jan 01 00:00:00 1970
System time     : 0.000000000 seconds fast of NTP time
Root delay      : 1.000000000 seconds
Root dispersion : 1.000000000 seconds
Leap status     : Not synchronised
`;

test('chronyc: a source that is followed, a clock ahead, and none', () => {
  const rows = [CHRONY, CHRONY.replace('slow of', 'fast of'), CHRONY_LOST].map(chronyRow);
  expectShape(timeSync, rows);
  const [slow, fast, lost] = rows;
  expect(slow).toEqual({
    program: 'chronyd',
    synchronized: 1,
    source: '203.0.113.15',
    stratum: 3,
    offset: 0.000006523,
    root_delay: 0.013639022,
    root_dispersion: 0.001100737,
    leap: 'normal',
    last_update: Date.parse('2017-01-27T09:49:17Z') / 1000,
  });
  expect(fast!.offset).toBe(-0.000006523);
  expect(lost).toMatchObject({ synchronized: 0, source: '', stratum: null, offset: null });
  expect(lost).toMatchObject({ leap: 'not synchronised', last_update: null });
  expect(() => chronyRow('506 Cannot talk to daemon\n')).toThrow('chronyc said');
});

/** `timedatectl show-timesync --all` and `timesync-status` beside chronyd as the server, recorded. */
const TIMESYNC = `SystemNTPServers=127.0.0.1
ServerName=127.0.0.1
ServerAddress=127.0.0.1
PollIntervalUSec=1min 4s
NTPMessage={ Leap=0, Version=4, Mode=4, Stratum=8, Precision=-25, RootDelay=1.5ms, RootDispersion=0, Reference=7F7F0101, OriginateTimestamp=Sun 2026-11-29 06:09:45 UTC, ReceiveTimestamp=Sun 2026-11-29 06:09:45 UTC, TransmitTimestamp=Sun 2026-11-29 06:09:45 UTC, DestinationTimestamp=Sun 2026-11-29 06:09:45 UTC, Ignored=no, PacketCount=1, Jitter=0 }
Frequency=0
`;
const STATUS = `       Server: 127.0.0.1 (127.0.0.1)
         Leap: normal
Root distance: 0 (max: 5s)
       Offset: +5us
        Delay: 35us
`;

test('timedatectl: with a server that answered, a clock ahead, and one that has not yet', () => {
  const rows = [
    timesyncdRow(TIMESYNC, STATUS, 1_795_932_585_848.9),
    timesyncdRow(TIMESYNC, STATUS.replace('+5us', '-1min 2.25s'), 1000),
    timesyncdRow('ServerName=ntp.example\nServerAddress=192.0.2.1\n', 'Packet count: 0\n', null),
  ];
  expectShape(timeSync, rows);
  expect(rows[0]).toEqual({
    program: 'systemd-timesyncd',
    synchronized: 1,
    source: '127.0.0.1',
    stratum: 8,
    offset: 5e-6,
    root_delay: 0.0015,
    root_dispersion: 0,
    leap: 'normal',
    last_update: 1_795_932_585,
  });
  expect(rows[1]!.offset).toBe(-62.25);
  expect(rows[2]).toMatchObject({ synchronized: 0, source: 'ntp.example', stratum: null });
  expect(rows[2]).toMatchObject({ offset: null, leap: 'not synchronised', last_update: null });
});

test('ntpq: variables of either ntpd, and the peer that it follows', () => {
  const peers =
    '     remote           refid      st t when poll reach   delay   offset  jitter\n' +
    '+192.0.2.7        .GPS.            1 u   33   64  377    0.3   0.1   0.0\n' +
    '*192.0.2.8        .PPS.            1 u   33   64  377    0.3   0.1   0.0\n';
  const ntp = ntpdRow(
    'leap=00, stratum=2, rootdelay=12.346, rootdisp=26.105, refid=192.0.2.8,\n' +
      `reftime=e6a1b2c3.8c5d0000  Wed, Aug 10 2022 12:00:03.548, offset=-1.250\n${peers}`,
  );
  expectShape(timeSync, [ntp]);
  expect(ntp).toEqual({
    program: 'ntpd',
    synchronized: 1,
    source: '192.0.2.8',
    stratum: 2,
    offset: -0.00125,
    root_delay: 0.012346,
    root_dispersion: 0.026105,
    leap: 'normal',
    last_update: 0xe6a1b2c3 - 2_208_988_800,
  });
  const lost = ntpdRow(
    'leap=leap_alarm, stratum=16, rootdelay=0, rootdisp=0, refid=INIT, offset=0\n',
  );
  expect(lost).toMatchObject({
    synchronized: 0,
    source: '',
    stratum: null,
    leap: 'not synchronised',
  });
  expect(() => ntpdRow('ntpq: read: Connection refused\n')).toThrow('no stratum');
});

test('a program that runs and cannot be asked is an error, and where none runs there is no row', async () => {
  expect(await rowsOf(timeSync, { root: fakeRoot({}) })).toEqual([]);
  const root = fakeRoot({ 'proc/7/stat': '7 (chronyd) S 1' });
  await expect(rowsOf(timeSync, { root })).rejects.toThrow('chronyc cannot be run');
});
