import { text } from '../lib/columns.ts';
import { readAttribute, requireText } from '../lib/files.ts';
import { fields } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const kernelInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'kernel_info',
  description: 'The running kernel and what it was started with, one row.',
  cost: 'cheap',
  key: [],
  columns: [
    text('version', 'Version of the kernel, as uname -r.', { collate: 'version' }),
    text('arguments', 'Arguments the boot loader gave, without image and root device.'),
    text('path', 'Path of the kernel image, where the boot loader tells it.', { unset: true }),
    text('device', 'Root device, as given to the kernel.', { unset: true }),
  ],
  collect(context): Row[] {
    const version = requireText(context, '/proc/sys/kernel/osrelease').trim();
    const words = fields(readAttribute(context, '/proc/cmdline') ?? '');
    const valueOf = (prefix: string): string | null =>
      words.find((word) => word.startsWith(prefix))?.slice(prefix.length) ?? null;
    return [
      {
        version,
        arguments: words.filter((word) => !/^(BOOT_IMAGE|root)=/.test(word)).join(' '),
        path: valueOf('BOOT_IMAGE='),
        device: valueOf('root='),
      },
    ];
  },
};
