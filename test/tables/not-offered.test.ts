import { expect, test } from 'vitest';

import { findTable, notOffered } from '../../src/tables/index.ts';

test('a table is either offered or said not to be, never both', () => {
  for (const [name, reason] of Object.entries(notOffered)) {
    expect(findTable(name), name).toBeUndefined();
    expect(reason, name).toMatch(/^[a-z]/);
  }
});

test('evented tables are named', () => {
  for (const name of ['process_events', 'file_events', 'socket_events', 'user_events']) {
    expect(notOffered[name]).toContain('events');
  }
});
