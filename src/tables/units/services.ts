/** services: what the service manager runs, and how each fares. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import { readText, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { showUnits, type UnitProperties } from './systemctl.ts';

export const services: SnapshotTable = {
  name: 'services',
  description: 'Services of systemd and the state of each.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name'],
  columns: [
    text('name', 'Name of the unit, without .service.'),
    text('description', 'Description of the service.'),
    text('load_state', 'Whether its definition was loaded: loaded, not-found, masked, error ...'),
    text('state', 'active, reloading, inactive, failed, activating or deactivating.'),
    text('sub_state', 'Finer state, as running, exited, dead or auto-restart.'),
    text('result', 'How its last run ended: success, exit-code, signal, timeout, oom-kill ...'),
    text('enabled', 'Whether it starts by itself: enabled, disabled, static, masked ...'),
    text('user', 'The user it is configured to run as, empty for root.'),
    load(bigint('pid', 'Id of its main process, NULL if none runs.')),
    integer('exit_status', 'Exit status or signal of its main process, NULL before its first end.'),
    integer('restarts', 'How often systemd has started it anew.'),
    load(bigint('memory', 'Memory it uses in bytes, NULL where that is not accounted.')),
    bigint('since', 'When its state last changed, seconds since 1970; NULL if never.'),
    text('path', 'The unit file.'),
  ],
  async collect(context) {
    const units = await showUnits(context, '*.service', PROPERTIES);
    const booted = bootTime(context);
    return units.map((unit) => serviceRow(unit, booted));
  },
};

export function serviceRow(unit: UnitProperties, booted: number | null): Row {
  const pid = Number(unit.get('MainPID') ?? 0);
  const changedUs = Number(unit.get('StateChangeTimestampMonotonic') ?? 0);
  const ended = (unit.get('ExecMainExitTimestampMonotonic') ?? '0') !== '0';
  return {
    name: (unit.get('Id') ?? '').replace(/\.service$/, ''),
    description: unit.get('Description') ?? '',
    load_state: unit.get('LoadState') ?? '',
    state: unit.get('ActiveState') ?? '',
    sub_state: unit.get('SubState') ?? '',
    result: unit.get('Result') ?? '',
    enabled: unit.get('UnitFileState') ?? '',
    user: unit.get('User') ?? '',
    pid: pid > 0 ? pid : null,
    exit_status: ended ? integerOrNull(unit.get('ExecMainStatus')) : null,
    restarts: integerOrNull(unit.get('NRestarts')),
    memory: memoryBytes(unit.get('MemoryCurrent')),
    since: booted !== null && changedUs > 0 ? booted + Math.floor(changedUs / 1e6) : null,
    path: unit.get('FragmentPath') ?? '',
  };
}

/** Not set is shown as the largest 64-bit number, later as `[not set]`. */
function memoryBytes(text: string | undefined): number | null {
  const bytes = integerOrNull(text);
  return typeof bytes === 'number' ? bytes : null;
}

function bootTime(context: Rooted): number | null {
  const match = /^btime (\d+)$/m.exec(readText(context, '/proc/stat') ?? '');
  return match === null ? null : Number(match[1]);
}

const PROPERTIES = [
  'Id',
  'Description',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'UnitFileState',
  'User',
  'MainPID',
  'ExecMainStatus',
  'ExecMainExitTimestampMonotonic',
  'NRestarts',
  'MemoryCurrent',
  'StateChangeTimestampMonotonic',
  'FragmentPath',
];
