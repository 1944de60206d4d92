/**
 * The least that a hub could be: node --import tsx answering.ts URL CHANNEL TABLE
 * Hears a notification and inserts a row, in a process of its own.
 */
import pg from 'pg';

const [url = '', channel = '', table = ''] = process.argv.slice(2);
const ears = new pg.Client({ connectionString: url });
const hands = new pg.Client({ connectionString: url });
for (const client of [ears, hands]) {
  client.on('error', () => process.exit(0));
  await client.connect();
}
ears.on('notification', () => void hands.query(`insert into ${table} values (1)`));
await ears.query(`listen ${channel}`);
process.on('disconnect', () => process.exit(0));
process.send!('ready');
