import { text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import { readPciNames, type PciNames } from '../lib/pci-ids.ts';
import { driverOf } from '../lib/sysfs.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const pciDevices: SnapshotTable = {
  kind: 'snapshot',
  name: 'pci_devices',
  description: 'PCI devices, from /sys/bus/pci, with names from pci.ids where it is installed.',
  cost: 'moderate',
  key: ['pci_slot'],
  columns: [
    text('pci_slot', 'Slot, domain:bus:device.function.'),
    text('pci_class', 'Name of the class.'),
    text('driver', 'Driver in use.'),
    text('vendor', 'Name of the maker.'),
    text('vendor_id', 'Maker, 0x and four hexadecimal digits.', { collate: 'nocase' }),
    text('model', 'Name of the model.'),
    text('model_id', 'Model, 0x and four hexadecimal digits.', { collate: 'nocase' }),
    text('pci_class_id', 'Class, 0x and two hexadecimal digits.', {
      unset: true,
      collate: 'nocase',
    }),
    text('pci_subclass_id', 'Subclass, 0x and two hexadecimal digits.', {
      unset: true,
      collate: 'nocase',
    }),
    text('pci_subclass', 'Name of the subclass.'),
    text('subsystem_vendor_id', 'Maker of the card, as vendor_id.', {
      unset: true,
      collate: 'nocase',
    }),
    text('subsystem_vendor', 'Name of the maker of the card.', { unset: true }),
    text('subsystem_model_id', 'Model of the card, as model_id.', {
      unset: true,
      collate: 'nocase',
    }),
    text('subsystem_model', 'Name of the card.', { unset: true }),
  ],
  collect(context): Row[] {
    const slots = listDir(context, PCI);
    const named = slots.length > 0 && wants(context, ...NAME_COLUMNS);
    const names = named ? readPciNames(context) : undefined;
    if (named && names === undefined) context.warn('pci.ids is not installed: PCI names are NULL');
    return slots.map((slot) => deviceRow(context, slot, names));
  },
};

function deviceRow(context: Rooted, slot: string, names: PciNames | undefined): Row {
  const id = (file: string): string => digits(readAttribute(context, `${PCI}/${slot}/${file}`));
  const [vendor, model] = [id('vendor'), id('device')];
  const [subVendor, subModel] = [id('subsystem_vendor'), id('subsystem_device')];
  const classId = id('class').slice(0, 2);
  const subclassId = id('class').slice(2, 4);
  return {
    pci_slot: slot,
    driver: driverOf(context, `${PCI}/${slot}`),
    vendor_id: prefixed(vendor),
    model_id: prefixed(model),
    pci_class_id: prefixed(classId),
    pci_subclass_id: prefixed(subclassId),
    subsystem_vendor_id: prefixed(subVendor),
    subsystem_model_id: prefixed(subModel),
    vendor: names?.vendor(vendor) ?? null,
    model: names?.model(vendor, model) ?? null,
    pci_class: names?.class(classId) ?? null,
    pci_subclass: names?.subclass(classId, subclassId) ?? null,
    subsystem_vendor: names?.vendor(subVendor) ?? null,
    subsystem_model: names?.subsystem(vendor, model, subVendor, subModel) ?? null,
  };
}

function digits(value: string | null): string {
  return value?.replace(/^0x/, '').toLowerCase() ?? '';
}

function prefixed(id: string): string | null {
  return id === '' ? null : `0x${id}`;
}

const PCI = '/sys/bus/pci/devices';
const NAME_COLUMNS = [
  'vendor',
  'model',
  'pci_class',
  'pci_subclass',
  'subsystem_vendor',
  'subsystem_model',
];
