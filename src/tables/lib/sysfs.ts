/** Devices as /sys shows them, sysfs(5). */
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';

import { hostPath, readLink, readText, type Rooted } from './files.ts';
import { keyValues } from './text.ts';

/** The PCI slot of a device or of what it hangs on (a virtio device on its PCI device); NULL without. */
export function pciSlotOf(context: Rooted, devicePath: string): string | null {
  const slots = realPathOf(context, devicePath)?.match(
    /(?<=\/)[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?=\/|$)/g,
  );
  return slots?.at(-1) ?? null;
}

/** Where a folder of /sys/class really is. */
export function realPathOf(context: Rooted, path: string): string | undefined {
  try {
    return realpathSync(hostPath(context, path));
  } catch {
    return undefined;
  }
}

/** The name of the driver a device is bound to. */
export function driverOf(context: Rooted, devicePath: string): string | null {
  const target = readLink(context, `${devicePath}/driver`);
  return target === undefined ? null : basename(target);
}

/** The KEY=value lines of a device's uevent file. */
export function ueventOf(context: Rooted, devicePath: string): Map<string, string> {
  return keyValues(readText(context, `${devicePath}/uevent`) ?? '', '=');
}

/** What udev found out about a device (`E:` lines of its database); empty where no udev runs. */
export function udevOf(context: Rooted, id: string): Map<string, string> {
  const content = readText(context, `/run/udev/data/${id}`) ?? '';
  const properties = content.split('\n').filter((line) => line.startsWith('E:'));
  return keyValues(properties.map((line) => line.slice(2)).join('\n'), '=');
}
