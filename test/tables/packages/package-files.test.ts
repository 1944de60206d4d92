/** Files of packages beside dpkg-query -L and rpm -ql. */
import { describe, expect, test } from 'vitest';

import { debPackageFiles } from '../../../src/tables/packages/deb-package-files.ts';
import { parseRpmFiles, rpmPackageFiles } from '../../../src/tables/packages/rpm-package-files.ts';
import { boot, canBoot } from '../../helpers/booted.ts';
import { has, needs, only } from '../../helpers/needs.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { printLines } from '../lib/program.ts';
import { expectShape } from '../lib/shape.ts';

describe('deb_package_files', () => {
  needs('dpkg-query')('agree with dpkg-query -L for every package', async () => {
    const rows = await rowsOf(debPackageFiles);
    expectShape(debPackageFiles, rows);
    const names = printLines('dpkg-query', '-W', '-f', '${Package}\n');
    const listed = printLines('dpkg-query', '-L', ...names).filter((line) => line.startsWith('/'));
    // dpkg-query says of a file that another package moved aside where it is now.
    const paths = (of: readonly unknown[]) => [...new Set(of)].sort().join('\n');
    expect(paths(rows.map(({ path }) => path))).toBe(paths(listed));
    const libc = rows.filter((row) => row.package === 'libc6').map(({ path }) => path);
    expect(libc).toEqual(printLines('dpkg-query', '-L', 'libc6'));
  });

  needs('dpkg-query')('finds whose file it is, as dpkg-query -S', async () => {
    const rows = await rowsOf(debPackageFiles, { constraints: [eq('path', '/usr/bin/dpkg')] });
    expect(rows).toEqual([{ package: 'dpkg', path: '/usr/bin/dpkg', admindir: '/var/lib/dpkg' }]);
    expect(printLines('dpkg-query', '-S', '/usr/bin/dpkg')).toEqual(['dpkg: /usr/bin/dpkg']);
  });

  test('a package of two architectures has each file once', async () => {
    const root = fakeRoot({
      'd/status': 'Package: a\nStatus: install ok installed\n',
      'd/info/a:amd64.list': '/.\n/usr/share/doc/a\n/usr/lib/64\n',
      'd/info/a:i386.list': '/.\n/usr/share/doc/a\n/usr/lib/32\n',
      'd/info/a.md5sums': 'x',
    });
    const rows = await rowsOf(debPackageFiles, { root, constraints: [eq('admindir', '/d')] });
    expect(rows.map(({ package: name, path }) => `${String(name)} ${String(path)}`)).toEqual([
      'a /.',
      'a /usr/share/doc/a',
      'a /usr/lib/64',
      'a /usr/lib/32',
    ]);
    await expect(rowsOf(debPackageFiles, { root })).rejects.toThrow('no dpkg database');
  });
});

describe('rpm_package_files', () => {
  test('lines of rpm become rows, also of a name with a tab', () => {
    const rows = parseRpmFiles(
      `bash\troot\troot\t0100755\t100\t${'a'.repeat(64)}\t/bin/ba\tsh\n` +
        'bash\troot\tmail\t042755\t4096\t\t/var/x\npackage nope is not installed\n',
    );
    expectShape(rpmPackageFiles, rows);
    expect(rows).toMatchObject([
      { package: 'bash', path: '/bin/ba\tsh', mode: '0755', size: 100, sha256: 'a'.repeat(64) },
      { path: '/var/x', groupname: 'mail', mode: '2755', sha256: '' },
    ]);
  });

  test('a host without a database of rpm says so', async () => {
    await expect(rowsOf(rpmPackageFiles, { root: fakeRoot({}) })).rejects.toThrow(
      'no rpm database',
    );
  });

  only(canBoot() && has('rpmbuild'), 'as root where a systemd can be started and rpmbuild is')(
    'agree with rpm -ql of packages that are built and installed for it',
    async () => {
      const machine = await boot();
      try {
        machine.print('sh', '-ec', BUILD);
        const { rows } = machine.rows('rpm_package_files');
        const [one] = machine.rows('rpm_package_files', [eq('path', '/opt/odd/a file')]).rows;
        const named = machine.rows('rpm_package_files', [eq('package', 'odd')]).rows;
        expect(machine.rows('rpm_package_files', [eq('package', 'nope')]).rows).toEqual([]);
        const database = ['--dbpath', '/var/lib/rpm'];
        const packages = machine.rows('rpm_packages').rows.map(({ name }) => name);
        expect(packages).toEqual(
          machine
            .print('rpm', ...database, '-qa', '--qf', '%{NAME}\\n')
            .trim()
            .split('\n'),
        );
        const listed = machine
          .print('rpm', ...database, '-ql', 'odd')
          .trim()
          .split('\n');
        expect(rows.map(({ path }) => path).sort()).toEqual(listed.sort());
        expect(named).toEqual(rows);
        const sum = machine.print('sha256sum', '/opt/odd/a file').split(' ')[0];
        // Whoever asks, and no database is made in a home by asking.
        expect(machine.print('find', '/root', '-maxdepth', '1', '-name', '.rpmdb')).toBe('');
        expect(one).toEqual({
          package: 'odd',
          path: '/opt/odd/a file',
          username: 'root',
          groupname: 'mail',
          mode: '4750',
          size: 6,
          sha256: sum,
        });
      } finally {
        machine.stop();
      }
    },
  );
});

const BUILD = `cd /tmp
cat > odd.spec <<'END'
Name: odd
Version: 1
Release: 1
Summary: odd files
License: none
BuildArch: noarch
%description
Odd.
%install
mkdir -p %{buildroot}/opt/odd
echo hello > "%{buildroot}/opt/odd/a file"
ln -s "a file" %{buildroot}/opt/odd/link
%files
%dir /opt/odd
%attr(4750, root, mail) "/opt/odd/a file"
/opt/odd/link
END
HOME=/tmp rpmbuild --quiet -bb odd.spec >/dev/null 2>&1
# Debian's rpm keeps a database in homes, where others keep it is here.
rpm --dbpath /var/lib/rpm -i --nodeps --force-debian /tmp/rpmbuild/RPMS/noarch/odd-1-1.noarch.rpm`;
