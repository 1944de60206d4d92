/**
 * A client in a process of its own that listens: node --import tsx notified.ts URL CHANNEL ...
 * Tells its parent of each notification, with the monotonic clock, which all processes share.
 */
import pg from 'pg';

export interface Heard {
  readonly channel: string;
  readonly payload: string;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

const [url = '', ...channels] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
client.on('error', () => process.exit(0));
await client.connect();
client.on('notification', ({ channel, payload = '' }) => {
  process.send!({ channel, payload, at: Number(process.hrtime.bigint()) / 1e6 } satisfies Heard);
});
for (const channel of channels) await client.query(`listen ${channel}`);
process.on('disconnect', () => process.exit(0));
process.send!('ready');
