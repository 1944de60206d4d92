import { integer, text } from '../lib/columns.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import { hexOrNull, integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const usbDevices: SnapshotTable = {
  kind: 'snapshot',
  name: 'usb_devices',
  description: 'USB devices plugged in, from /sys/bus/usb.',
  cost: 'cheap',
  key: ['usb_address', 'usb_port'],
  columns: [
    integer('usb_address', 'Number of the bus, as osquery has it.'),
    integer('usb_port', 'Number of the device on the bus, as osquery has it.'),
    text('vendor', 'Maker, as the device tells it.'),
    text('vendor_id', 'Maker, four hexadecimal digits.', { collate: 'nocase' }),
    text('version', 'Version of the device.', { collate: 'version' }),
    text('model', 'Model, as the device tells it.'),
    text('model_id', 'Model, four hexadecimal digits.', { collate: 'nocase' }),
    text('serial', 'Serial number.'),
    text('class', 'Class, decimal.'),
    text('subclass', 'Subclass, decimal.'),
    text('protocol', 'Protocol, decimal.'),
    integer('removable', '1 when the device can be unplugged, 0 when not, NULL when unknown.'),
  ],
  collect(context): Row[] {
    // Interfaces of a device are beside it in the folder and have no vendor.
    return listDir(context, USB).flatMap((name) => {
      const row = deviceRow(context, `${USB}/${name}`);
      return row.vendor_id === null ? [] : [row];
    });
  },
};

function deviceRow(context: Rooted, folder: string): Row {
  const attribute = (file: string): string | null => readAttribute(context, `${folder}/${file}`);
  const decimal = (file: string): string | null => hexOrNull(attribute(file))?.toString() ?? null;
  return {
    usb_address: integerOrNull(attribute('busnum')),
    usb_port: integerOrNull(attribute('devnum')),
    vendor: attribute('manufacturer'),
    vendor_id: attribute('idVendor'),
    version: attribute('bcdDevice'),
    model: attribute('product'),
    model_id: attribute('idProduct'),
    serial: attribute('serial'),
    class: decimal('bDeviceClass'),
    subclass: decimal('bDeviceSubClass'),
    protocol: decimal('bDeviceProtocol'),
    removable: { removable: 1, fixed: 0 }[attribute('removable') ?? ''] ?? null,
  };
}

const USB = '/sys/bus/usb/devices';
