/** apparmor_profiles: profiles the kernel has loaded. */
import { text } from '../lib/columns.ts';
import { listDir, readAttribute, tryRead } from '../lib/files.ts';
import {
  type CollectContext,
  type Row,
  type SnapshotTable,
  TableAbsentError,
  TableError,
} from '../types.ts';

export const apparmorProfiles: SnapshotTable = {
  name: 'apparmor_profiles',
  description: 'AppArmor profiles that the kernel has loaded.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['path'],
  columns: [
    text('path', 'Folder of the profile below the policy.', { index: true }),
    text('name', 'Name of the profile.'),
    text('attach', 'Which programs it applies to.'),
    text('mode', 'enforce, complain, kill or unconfined.'),
    text('sha1', 'SHA-1 of the compiled policy; NULL where the kernel gives none.', {
      unset: true,
      collate: 'nocase',
    }),
    text('sha256', 'SHA-256 of the compiled policy; NULL where the kernel gives none.', {
      unset: true,
      collate: 'nocase',
    }),
  ],
  collect(context) {
    const enabled = readAttribute(context, '/sys/module/apparmor/parameters/enabled');
    if (enabled !== 'Y') throw new TableAbsentError('AppArmor is not enabled on this host');
    const test = tryRead(context, `${POLICY}/revision`);
    if (!test.ok && test.code === 'EACCES') {
      throw new TableError(`cannot read ${POLICY}: permission denied (run the agent as root)`);
    }
    return [...profiles(context, 'profiles', 0)];
  },
};

/** A profile may hold others, in a folder of the same kind. */
function* profiles(context: CollectContext, folder: string, depth: number): Generator<Row> {
  for (const entry of listDir(context, `${POLICY}/${folder}`)) {
    const path = `${folder}/${entry}`;
    const attribute = (name: string): string | null =>
      readAttribute(context, `${POLICY}/${path}/${name}`);
    yield {
      path,
      name: attribute('name'),
      attach: attribute('attach'),
      mode: attribute('mode'),
      sha1: attribute('sha1'),
      sha256: attribute('sha256'),
    };
    if (depth < DEPTH_MAX) yield* profiles(context, `${path}/profiles`, depth + 1);
  }
}

const POLICY = '/sys/kernel/security/apparmor/policy';
const DEPTH_MAX = 8;
