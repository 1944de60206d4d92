/** Devices and firmware, against lsblk, md5sum, os.cpus and fake machines with real layouts. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import * as os from 'node:os';

import { describe, expect, it } from 'vitest';

import { acpiTables } from '../../../src/tables/system/acpi-tables.ts';
import { blockDevices } from '../../../src/tables/system/block-devices.ts';
import { cpuInfo } from '../../../src/tables/system/cpu-info.ts';
import { cpuid } from '../../../src/tables/system/cpuid.ts';
import { diskEncryption } from '../../../src/tables/system/disk-encryption.ts';
import { diskIo } from '../../../src/tables/system/disk-io.ts';
import { entropySources } from '../../../src/tables/system/entropy-sources.ts';
import { pciDevices } from '../../../src/tables/system/pci-devices.ts';
import { platformInfo } from '../../../src/tables/system/platform-info.ts';
import { secureboot } from '../../../src/tables/system/secureboot.ts';
import { temperature } from '../../../src/tables/system/temperature.ts';
import { usbDevices } from '../../../src/tables/system/usb-devices.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { print } from '../lib/program.ts';
import { has, isRoot, needs, only } from '../../helpers/needs.ts';

describe('block_devices', () => {
  needs('lsblk')('agrees with lsblk on names, sizes and block sizes', async () => {
    const shown = print('lsblk', '-a', '-b', '-n', '-l', '-o', 'KNAME,SIZE,LOG-SEC')
      .trim()
      .split('\n');
    const rows = await rowsOf(blockDevices);
    for (const line of shown) {
      const [name, size, sector] = line.trim().split(/\s+/);
      if (sector === undefined) continue;
      const row = rows.find((candidate) => candidate.name === `/dev/${name}`)!;
      expect(Number(row.size) * Number(row.block_size), name).toBe(Number(size));
      expect(row.block_size).toBe(Number(sector));
    }
  });

  it('knows a partition by its disk and what udev found on it', async () => {
    const disk = 'sys/devices/pci0/block/sda';
    const root = fakeRoot({
      'sys/class/block/sda': { link: '../../devices/pci0/block/sda' },
      'sys/class/block/sda1': { link: '../../devices/pci0/block/sda/sda1' },
      [`${disk}/dev`]: '8:0\n',
      [`${disk}/size`]: '16\n',
      [`${disk}/queue/logical_block_size`]: '4096\n',
      [`${disk}/device/model`]: 'Fast SSD   \n',
      [`${disk}/sda1/partition`]: '1\n',
      [`${disk}/sda1/dev`]: '8:1\n',
      [`${disk}/sda1/size`]: '8\n',
      'run/udev/data/b8:1': 'S:x\nE:ID_FS_UUID=11-22\nE:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=root\n',
    });
    const partition = {
      name: '/dev/sda1',
      parent: '/dev/sda',
      size: 1,
      block_size: 4096,
      model: 'Fast SSD',
      uuid: '11-22',
      type: 'ext4',
      label: 'root',
      vendor: null,
      serial: null,
    };
    const [sda, sda1] = await rowsOf(blockDevices, { root });
    expect(sda).toMatchObject({ name: '/dev/sda', parent: null, size: 2, model: 'Fast SSD' });
    expect(sda1).toEqual(partition);
    const asked = await rowsOf(blockDevices, { root, constraints: [eq('name', '/dev/sda1')] });
    expect(asked).toEqual([partition]);
  });
});

describe('disk_encryption', () => {
  it('has a row for every block device of this machine', async () => {
    const names = readdirSync('/sys/class/block').map((name) => `/dev/${name.replace('!', '/')}`);
    expect((await rowsOf(diskEncryption)).map((row) => row.name).sort()).toEqual(names.sort());
  });

  it('finds a logical volume on an encrypted disk encrypted, and a mixed one not', async () => {
    const block = 'sys/class/block';
    const root = fakeRoot({
      [`${block}/sda/size`]: '1',
      [`${block}/dm-0/dm/uuid`]: 'CRYPT-LUKS2-0123456789abcdef0123456789abcdef-sda_crypt\n',
      [`${block}/dm-0/dm/name`]: 'sda_crypt\n',
      [`${block}/dm-0/slaves/sda`]: '',
      [`${block}/dm-1/dm/uuid`]: 'LVM-abc\n',
      [`${block}/dm-1/slaves/dm-0/x`]: '',
      [`${block}/dm-2/slaves/dm-0/x`]: '',
      [`${block}/dm-2/slaves/sda/x`]: '',
    });
    const rows = await rowsOf(diskEncryption, { root });
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    expect(rows.map((row) => [row.name, row.encrypted])).toEqual([
      ['/dev/dm-0', 1] as const,
      ['/dev/dm-1', 1] as const,
      ['/dev/dm-2', 0] as const,
      ['/dev/sda', 0] as const,
    ]);
    expect(rows[1]).toMatchObject({ uuid, type: 'LUKS2', encryption_status: 'encrypted' });
    expect(rows[3]).toMatchObject({ uuid: null, encryption_status: 'not encrypted' });
  });
});

describe('disk_io', () => {
  it('lies between two looks at /sys/block', async () => {
    const disk = readdirSync('/sys/block').find((name) => /^(vd|sd|nvme|xvd)/.test(name));
    if (disk === undefined) throw new Error('this machine has no disk to compare with');
    const look = (): number[] =>
      readFileSync(`/sys/block/${disk}/stat`, 'utf8').trim().split(/ +/).map(Number);
    const before = look();
    const row = (await rowsOf(diskIo)).find((candidate) => candidate.name === `/dev/${disk}`)!;
    const after = look();
    const between = (value: unknown, index: number, unit = 1): void => {
      expect(value).toBeGreaterThanOrEqual(before[index]! * unit);
      expect(value).toBeLessThanOrEqual(after[index]! * unit);
    };
    between(row.reads, 0);
    between(row.bytes_read, 2, 512);
    between(row.writes, 4);
    between(row.bytes_written, 6, 512);
    between(row.busy_ms, 9);
  });
});

describe('cpu_info and cpuid', () => {
  it('agree with what Node sees', async () => {
    const rows = await rowsOf(cpuInfo);
    const logical = rows.reduce((sum, row) => sum + Number(row.logical_processors), 0);
    expect(logical).toBe(os.cpus().length);
    expect(rows[0]!.model ?? 'unknown').toBe(os.cpus()[0]!.model);
  });

  only(has('lscpu') && os.arch() === 'x64', 'on x64 with lscpu')('agree with lscpu', async () => {
    const shown = print('lscpu');
    const flags = / *Flags: *(.*)/.exec(shown)![1]!.split(' ');
    const rows = new Map((await rowsOf(cpuid)).map((row) => [row.feature, row.value]));
    expect(rows.get('vendor')).toBe(/Vendor ID: *(\S+)/.exec(shown)![1]);
    for (const name of ['sse2', 'avx2', 'aes', 'vmx', 'hypervisor']) {
      expect(rows.get(name), name).toBe(flags.includes(name) ? '1' : '0');
    }
  });

  it('say so on a processor that has no CPUID', async () => {
    const root = fakeRoot({ 'proc/cpuinfo': 'processor\t: 0\nCPU part\t: 0xd08\n' });
    await expect(rowsOf(cpuid, { root })).rejects.toThrow('CPUID');
    expect(await rowsOf(cpuInfo, { root })).toMatchObject([{ number_of_cores: '1', model: null }]);
  });
});

describe('pci_devices', () => {
  it('agrees with uevent, which the kernel writes apart', async () => {
    for (const row of await rowsOf(pciDevices)) {
      const uevent = readFileSync(`/sys/bus/pci/devices/${row.pci_slot}/uevent`, 'utf8');
      const [, vendor, model] = /^PCI_ID=(\w+):(\w+)$/m.exec(uevent)!;
      expect(row.vendor_id).toBe(`0x${vendor!.toLowerCase()}`);
      expect(row.model_id).toBe(`0x${model!.toLowerCase()}`);
      expect(row.driver).toBe(/^DRIVER=(.*)$/m.exec(uevent)?.[1] ?? null);
    }
  });

  it('names devices where pci.ids is installed and says so where not', async () => {
    const files = {
      'sys/bus/pci/devices/0000:00:02.0/vendor': '0x8086\n',
      'sys/bus/pci/devices/0000:00:02.0/device': '0x0D57\n',
      'sys/bus/pci/devices/0000:00:02.0/class': '0x030000\n',
      'sys/bus/pci/devices/0000:00:02.0/subsystem_vendor': '0x1028\n',
      'sys/bus/pci/devices/0000:00:02.0/subsystem_device': '0x0001\n',
      'sys/bus/pci/devices/0000:00:02.0/driver': { link: '../../../bus/pci/drivers/i915' },
    };
    const ids =
      '# pci.ids\n1028  Dell\n8086  Intel Corporation\n\t0d57  Some bridge\n\t\t1028 0001  A card\n' +
      'C 03  Display controller\n\t00  VGA compatible controller\n';
    const root = fakeRoot({ ...files, 'usr/share/hwdata/pci.ids': ids });
    expect(await rowsOf(pciDevices, { root })).toMatchObject([
      {
        vendor: 'Intel Corporation',
        model: 'Some bridge',
        pci_class: 'Display controller',
        pci_subclass: 'VGA compatible controller',
        subsystem_vendor: 'Dell',
        driver: 'i915',
        subsystem_model: 'A card',
        pci_class_id: '0x03',
        pci_subclass_id: '0x00',
      },
    ]);
    const context = contextFor(pciDevices, { root: fakeRoot(files) });
    if (pciDevices.kind === 'snapshot') await pciDevices.collect(context);
    expect(context.warnings.join()).toContain('pci.ids is not installed');
  });
});

describe('usb_devices', () => {
  it('has the devices and not their interfaces', async () => {
    const usb = 'sys/bus/usb/devices';
    const root = fakeRoot({
      [`${usb}/1-1/idVendor`]: '046d\n',
      [`${usb}/1-1/idProduct`]: 'c52b\n',
      [`${usb}/1-1/busnum`]: '1\n',
      [`${usb}/1-1/devnum`]: '4\n',
      [`${usb}/1-1/bcdDevice`]: '1211\n',
      [`${usb}/1-1/bDeviceClass`]: 'ef\n',
      [`${usb}/1-1/product`]: 'Receiver\n',
      [`${usb}/1-1/removable`]: 'removable\n',
      [`${usb}/1-1:1.0/bInterfaceClass`]: '03\n',
    });
    expect(await rowsOf(usbDevices, { root })).toMatchObject([
      {
        vendor_id: '046d',
        model_id: 'c52b',
        usb_address: 1,
        usb_port: 4,
        class: '239',
        model: 'Receiver',
        vendor: null,
        removable: 1,
        version: '1211',
      },
    ]);
  });

  it('has as many devices as the bus of this machine', async () => {
    const bus = '/sys/bus/usb/devices';
    const devices = existsSync(bus) ? readdirSync(bus).filter((name) => !name.includes(':')) : [];
    expect(await rowsOf(usbDevices)).toHaveLength(devices.length);
  });
});

describe('acpi_tables', () => {
  const folder = '/sys/firmware/acpi/tables';
  only(existsSync(folder) && isRoot, 'as root with SMBIOS')('agrees with md5sum', async () => {
    for (const row of await rowsOf(acpiTables)) {
      expect(row.md5).toBe(print('md5sum', `${folder}/${row.name}`).split(' ')[0]);
      expect(row.size).toBe(readFileSync(`${folder}/${row.name}`).length);
    }
  });

  it('leaves folders out and says when there are none', async () => {
    const root = fakeRoot({
      'sys/firmware/acpi/tables/DSDT': 'abc',
      'sys/firmware/acpi/tables/data/BERT': 'x',
    });
    const md5 = createHash('md5').update('abc').digest('hex');
    expect(await rowsOf(acpiTables, { root })).toEqual([{ name: 'DSDT', size: 3, md5 }]);
    await expect(rowsOf(acpiTables, { root: fakeRoot({ x: '' }) })).rejects.toThrow('no ACPI');
  });
});

describe('secureboot', () => {
  it('reads the byte behind the attributes', async () => {
    const name = (key: string): string =>
      `sys/firmware/efi/efivars/${key}-8be4df61-93ca-11d2-aa0d-00e098032b8c`;
    const root = fakeRoot({
      [name('SecureBoot')]: Buffer.from([6, 0, 0, 0, 1]),
      [name('SetupMode')]: Buffer.from([6, 0, 0, 0, 0]),
    });
    expect(await rowsOf(secureboot, { root })).toEqual([{ secure_boot: 1, setup_mode: 0 }]);
    await expect(rowsOf(secureboot, { root: fakeRoot({ x: '' }) })).rejects.toThrow('UEFI');
  });
});

describe('platform_info', () => {
  it('reads what DMI says of the firmware', async () => {
    const root = fakeRoot({
      'sys/class/dmi/id/bios_vendor': 'LENOVO\n',
      'sys/class/dmi/id/bios_version': 'N2XET38W (1.28 )\n',
      'sys/class/dmi/id/bios_date': '09/08/2023\n',
      'sys/class/dmi/id/bios_release': '1.28\n',
      'sys/firmware/efi/fw_platform_size': '64\n',
    });
    expect(await rowsOf(platformInfo, { root })).toEqual([
      {
        vendor: 'LENOVO',
        version: 'N2XET38W (1.28 )',
        date: '09/08/2023',
        revision: '1.28',
        firmware_type: 'uefi',
      },
    ]);
    const nothing = rowsOf(platformInfo, { root: fakeRoot({ x: '' }) });
    await expect(nothing).rejects.toThrow('nothing about its firmware');
  });
});

describe('temperature', () => {
  it('has chips and zones in degrees', async () => {
    const root = fakeRoot({
      'sys/class/hwmon/hwmon2/name': 'coretemp\n',
      'sys/class/hwmon/hwmon2/temp1_input': '43500\n',
      'sys/class/hwmon/hwmon2/temp1_label': 'Package id 0\n',
      'sys/class/hwmon/hwmon2/temp1_crit': '100000\n',
      'sys/class/thermal/thermal_zone0/type': 'acpitz\n',
      'sys/class/thermal/thermal_zone0/temp': '-5000\n',
      'sys/class/thermal/thermal_zone0/trip_point_1_type': 'critical\n',
      'sys/class/thermal/thermal_zone0/trip_point_1_temp': '105000\n',
      'sys/class/thermal/cooling_device0/type': 'Fan\n',
    });
    expect(await rowsOf(temperature, { root })).toEqual([
      {
        sensor: 'hwmon2/temp1',
        device: 'coretemp',
        label: 'Package id 0',
        celsius: 43.5,
        high: null,
        critical: 100,
      },
      {
        sensor: 'thermal_zone0',
        device: 'acpitz',
        label: null,
        celsius: -5,
        high: null,
        critical: 105,
      },
    ]);
    await expect(rowsOf(temperature, { root: fakeRoot({ x: '' }) })).rejects.toThrow('sensor');
  });
});

describe('entropy_sources', () => {
  it('agrees with what the kernel’s files say', async () => {
    const rows = await rowsOf(entropySources);
    const poolsize = Number(readFileSync('/proc/sys/kernel/random/poolsize', 'utf8'));
    expect(rows[0]).toMatchObject({ source: 'kernel', kind: 'pool', bits_max: poolsize });
    const current = '/sys/class/misc/hw_random/rng_current';
    const name = existsSync(current) ? readFileSync(current, 'utf8').trim() : 'none';
    const active = rows.filter((row) => row.kind === 'hardware' && row.active === 1);
    expect(active.map((row) => row.source)).toEqual(name === 'none' || name === '' ? [] : [name]);
  });
});
