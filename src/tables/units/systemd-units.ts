/** systemd_units: every unit systemd has loaded. */
import { bigint, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { listJobs, showUnits, type UnitProperties } from './systemctl.ts';

export const systemdUnits: SnapshotTable = {
  name: 'systemd_units',
  description: 'Units that systemd has loaded, with their state.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['id'],
  columns: [
    text('id', 'Name of the unit.'),
    text('description', 'Description of the unit.'),
    text('load_state', 'Whether its definition was loaded: loaded, not-found, masked, error.'),
    text('active_state', 'State: active, reloading, inactive, failed, activating, deactivating.'),
    text('sub_state', 'Finer state, which depends on the kind of unit, e.g. running or mounted.'),
    text('unit_file_state', 'Whether its file is enabled, disabled, static, masked and so on.'),
    text('following', 'The unit whose state this one follows, if any.'),
    text('object_path', 'Path of the unit on D-Bus.'),
    bigint('job_id', 'Id of the job queued for it, 0 if none.'),
    text('job_type', 'Type of that job.'),
    text('job_path', 'Path of that job on D-Bus, / if none.'),
    text('fragment_path', 'The file the unit was read from, if any.'),
    text('user', 'The user it is configured to run as, if any.'),
    text('source_path', 'The file that the unit was generated from, if any.'),
  ],
  async collect(context) {
    const units = await showUnits(context, '*', PROPERTIES);
    const hasJob = units.some((unit) => jobId(unit) !== 0);
    const jobs = hasJob ? await listJobs(context) : new Map<string, string>();
    return units.map((unit) => unitRow(unit, jobs));
  },
};

export function unitRow(unit: UnitProperties, jobs: ReadonlyMap<string, string>): Row {
  const id = unit.get('Id') ?? '';
  const job = jobId(unit);
  return {
    id,
    description: unit.get('Description') ?? '',
    load_state: unit.get('LoadState') ?? '',
    active_state: unit.get('ActiveState') ?? '',
    sub_state: unit.get('SubState') ?? '',
    unit_file_state: unit.get('UnitFileState') ?? '',
    following: unit.get('Following') ?? '',
    object_path: `/org/freedesktop/systemd1/unit/${busLabel(id)}`,
    job_id: job,
    job_type: jobs.get(String(job)) ?? '',
    job_path: job === 0 ? '/' : `/org/freedesktop/systemd1/job/${job}`,
    fragment_path: unit.get('FragmentPath') ?? '',
    user: unit.get('User') ?? '',
    source_path: unit.get('SourcePath') ?? '',
  };
}

/** Older versions print `Job=12`, and nothing where there is none. */
function jobId(unit: UnitProperties): number {
  const id = Number(unit.get('Job') ?? 0);
  return Number.isSafeInteger(id) ? id : 0;
}

/** sd_bus_path_encode(3): all but letters and digits (and a digit in front) as _xx. */
function busLabel(name: string): string {
  if (name === '') return '_';
  let label = '';
  for (const [index, byte] of Buffer.from(name).entries()) {
    const char = String.fromCharCode(byte);
    const plain = /[a-zA-Z]/.test(char) || (/[0-9]/.test(char) && index > 0);
    label += plain ? char : `_${byte.toString(16).padStart(2, '0')}`;
  }
  return label;
}

const PROPERTIES = [
  'Id',
  'Description',
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'Following',
  'Job',
  'FragmentPath',
  'User',
  'SourcePath',
];
