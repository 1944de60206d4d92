/**
 * rpm_updates, flatpak_updates and snap_updates of what the programs printed. dnf 4.14.0, zypper 1.14.42 and
 * flatpak 1.14.10 of Debian 12 were run in a copy of a system with packages made for it (rpmbuild,
 * createrepo_c with an updateinfo.xml; flatpak build-export served over HTTP). No dnf 5 and no snapd printed
 * anything: dnf 5's is dnf 4's without its empty lines, and snap's is made up after the patterns that the tests
 * of snapd expect (cmd/snap/cmd_snap_op_test.go and cmd_list_test.go), as snapd does not run in a container.
 */
import { describe, expect, test } from 'vitest';

import { flatpakRows, flatpakUpdates } from '../../../src/tables/packages/flatpak-updates.ts';
import { dnfRows, printedByRpm, rpmUpdates } from '../../../src/tables/packages/rpm-updates.ts';
import { snapRows, snapUpdates } from '../../../src/tables/packages/snap-updates.ts';
import { patchNames, zypperRows } from '../../../src/tables/packages/zypper-updates.ts';
import { has, only } from '../../helpers/needs.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

/** What both programs find, but for the name of the program. */
const FOUND = [
  ['epoch', 'noarch', '1:2.0-1', '1:2.1-1', 0, 'odd'],
  ['plain', 'noarch', '1.0-1', '1.0-2', 0, 'odd'],
  ['sec', 'noarch', '3.0-1', '3.0.2-1', 1, 'odd'],
  ['tilde', 'noarch', '1.0~rc1-1', '1.0-1', 0, 'odd'],
  ['twice', 'noarch', '1-1', '10-1', 0, 'odd'],
];

describe('rpm_updates', () => {
  const valuesOf = (rows: ReturnType<typeof dnfRows>) => {
    expectShape(rpmUpdates, rows);
    return rows.map((row) => [
      row.name,
      row.arch,
      row.installed_version,
      row.candidate_version,
      row.security,
      row.repository,
    ]);
  };

  test('of dnf: the newest of each, those with an advisory for any version after the installed marked', () => {
    expect(valuesOf(dnfRows(DNF_OFFERS, DNF_FIXES, INSTALLED))).toEqual(FOUND);
    // dnf 5 ends no lines itself; this is made of the output of dnf 4, not printed by one.
    const dnf5 = DNF_OFFERS.replaceAll('\n\n', '\n');
    expect(valuesOf(dnfRows(dnf5, DNF_FIXES, INSTALLED))).toEqual(FOUND);
  });

  test('of dnf: of several installed versions the newest, and a package that became noarch', () => {
    const installed = 'kernel\t(none):6.9-1\tx86_64\nkernel\t(none):6.10-1\tx86_64\n';
    const [one] = dnfRows('kernel\t0:6.11-1\tnoarch\tmain\n', '', installed);
    expect(one).toMatchObject({ arch: 'noarch', installed_version: '6.10-1', security: 0 });
  });

  test('of dnf: no rows without what is installed, but why rpm did not tell it', () => {
    const stderr = 'error: x\nerror: cannot open Packages database in /var/lib/rpm\n';
    expect(() => printedByRpm({ code: 1, stdout: '', stderr })).toThrow(
      'rpm -qa failed: error: cannot open Packages database in /var/lib/rpm',
    );
  });

  test('of zypper: the same, by what security patches conflict with', () => {
    expect(patchNames(ZYPPER_PATCHES)).toEqual(['ODD-2024-1']);
    expect(valuesOf(zypperRows(ZYPPER_UPDATES, ZYPPER_INFO))).toEqual(FOUND);
    const several = 'Conflicts   : [2]\n    sec.noarch < 3.0.1-1\n    plain.noarch < 1.0-1\n';
    expect(valuesOf(zypperRows(ZYPPER_UPDATES, several))).toEqual(FOUND);
  });

  test('a host without rpm, and one that has neither program, say so', async () => {
    await expect(rowsOf(rpmUpdates, { root: fakeRoot({}) })).rejects.toThrow('no rpm database');
    const root = fakeRoot({ 'var/lib/rpm/rpmdb.sqlite': '' });
    await expect(rowsOf(rpmUpdates, { root })).rejects.toThrow(
      'neither dnf nor zypper is installed on this host; install package dnf',
    );
  });
});

describe('flatpak_updates', () => {
  test('newer commits, with versions where there are any', () => {
    const offers = 'org.example.Odd\t\tstable\tx86_64\todd\t338ba8f3a1bb\n';
    const installed =
      'org.example.Odd\t\tstable\tx86_64\todd\t2434e583072e\n' +
      'org.example.Platform\t\t1\tx86_64\todd\te3a0a55c4daa\n';
    const rows = flatpakRows(offers, installed);
    expectShape(flatpakUpdates, rows);
    expect(rows).toEqual([
      {
        name: 'org.example.Odd',
        arch: 'x86_64',
        branch: 'stable',
        installed_version: null,
        candidate_version: null,
        installed_commit: '2434e583072e',
        candidate_commit: '338ba8f3a1bb',
        remote: 'odd',
      },
    ]);
  });

  only(!has('flatpak'), 'without flatpak')('a host without it says what to install', async () => {
    await expect(rowsOf(flatpakUpdates)).rejects.toThrow(
      'flatpak is not installed on this host; install package flatpak',
    );
  });
});

describe('snap_updates', () => {
  test('newer revisions, of output made up after the format of snapd', () => {
    const offers =
      'Name  Version     Rev  Size   Publisher  Notes\nfoo   4.2update1  17   123MB  bar        -\n';
    const installed =
      'Name  Version  Rev  Tracking  Publisher  Notes\nbar   1        2    -         bar        disabled\nfoo   4.2      17   -         bar        -\n';
    const rows = snapRows(offers, installed.replace('17', '16'));
    expectShape(snapUpdates, rows);
    expect(rows).toEqual([
      {
        name: 'foo',
        installed_version: '4.2',
        candidate_version: '4.2update1',
        installed_revision: '16',
        candidate_revision: '17',
      },
    ]);
    expect(snapRows('All snaps up to date.\n', installed)).toEqual([]);
    expect(() => snapRows('Nome  Vers\n', installed)).toThrow(
      'snap printed "Nome  Vers", which is no list of snaps',
    );
  });

  only(!has('snap'), 'without snap')('a host without it says what to install', async () => {
    await expect(rowsOf(snapUpdates)).rejects.toThrow(
      'snap is not installed on this host; install package snapd',
    );
  });
});

const DNF_OFFERS = `epoch	1:2.1-1	noarch	odd

plain	0:1.0-2	noarch	odd

sec	0:3.0.1-1	noarch	odd

sec	0:3.0.2-1	noarch	odd

tilde	0:1.0-1	noarch	odd

twice	0:10-1	noarch	odd

twice	0:2-1	noarch	odd

`;

const DNF_FIXES = 'sec	0:3.0.1-1	noarch	odd\n\n';

const INSTALLED = `twice	(none):1-1	noarch
tilde	(none):1.0~rc1-1	noarch
sec	(none):3.0-1	noarch
plain	(none):1.0-1	noarch
epoch	1:2.0-1	noarch
current	(none):1-1	noarch
`;

const zypperUpdate = (name: string, edition: string, old: string): string =>
  `<update kind="package" name="${name}" edition="${edition}" arch="noarch" edition-old="${old}"><summary>odd ${name}</summary><description>Odd.</description><license/><source url="file:/srv/repo" alias="odd"/></update>`;

const ZYPPER_UPDATES = `<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<message type="info">Reading installed packages...</message>
<update-status version="0.6">
<update-list>
${[
  zypperUpdate('epoch', '1:2.1-1', '1:2.0-1'),
  zypperUpdate('plain', '1.0-2', '1.0-1'),
  zypperUpdate('sec', '3.0.2-1', '3.0-1'),
  zypperUpdate('tilde', '1.0-1', '1.0~rc1-1'),
  zypperUpdate('twice', '10-1', '1-1'),
].join('')}</update-list>
</update-status>
</stream>
`;

const ZYPPER_PATCHES = `<?xml version='1.0'?>
<stream>
<update-status version="0.6">
<update-list>
<update kind="patch" name="ODD-2024-1" edition="1" arch="noarch" status="needed" category="security" severity="important" pkgmanager="false" restart="false" interactive="false"><summary>sec</summary><description>x</description><license/><source url="file:/srv/repo" alias="odd"/><issue-date time_t="1704067200" text="2024-01-01T00:00:00Z"/><issue-list/></update></update-list>
</update-status>
</stream>
`;

const ZYPPER_INFO = `Information for patch ODD-2024-1:
---------------------------------
Repository  : Odd
Name        : ODD-2024-1
Version     : 1
Arch        : noarch
Vendor      : x@example.org
Status      : needed
Category    : security
Description : 
    x
Provides    : patch:ODD-2024-1 = 1
Conflicts   : sec < 3.0.1-1
`;
