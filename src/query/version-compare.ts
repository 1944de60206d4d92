/** version_compare(a, b [, flavour]), the same on hosts and in the reduce step. */
import type { Value } from '../tables/types.ts';
import { compareVersions, type VersionOrder } from '../tables/version-order.ts';
import { compareArch } from './arch-versions.ts';

const FLAVOURS: ReadonlyMap<string, VersionOrder> = new Map([
  ['', 'version'],
  ['DPKG', 'version_dpkg'],
  ['RHEL', 'version_rhel'],
  ['RPM', 'version_rhel'],
]);

/** -1, 0 or 1. @throws Error for a flavour there is not, as where osquery has an operator as second */
export function versionCompare(a: string, b: string, flavour: Value = ''): number {
  if (String(flavour).toUpperCase() === 'ARCH') return compareArch(a, b);
  const order = FLAVOURS.get(String(flavour).toUpperCase());
  if (order === undefined)
    throw new Error(
      `no order of versions is called ${JSON.stringify(String(flavour).slice(0, 80))}; ` +
        "write version_compare(a, b), or with 'DPKG', 'RHEL' or 'ARCH' as third",
    );
  return compareVersions(order, a, b);
}
