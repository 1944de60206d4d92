/** A column that many osquery tables end with. */
import type { Column } from '../types.ts';
import { text } from './columns.ts';

/** osquery fills it for rows from inside a container; those are not served here, so always NULL. */
export const mountNamespaceId = (): Column =>
  text('mount_namespace_id', 'Mount namespace of the row; not served, always NULL.', {
    hidden: true,
  });
