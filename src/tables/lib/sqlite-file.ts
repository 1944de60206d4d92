/** Rows of SQLite files of the host: read whole into memory, so that no lock is taken and no file made. */
import { describeCode, statOf, tryRead } from './files.ts';
import { TableError, type CollectContext, type Row } from '../types.ts';

type Reader = Pick<CollectContext, 'root' | 'load' | 'warn'>;

/**
 * What a statement gives for the file at `path`.
 * @throws TableError when it cannot be read, is no database, or has not what the statement names
 */
export async function sqliteRows(context: Reader, path: string, sql: string): Promise<Row[]> {
  const result = tryRead(context, path, { bytesMax: FILE_BYTES_MAX });
  if (!result.ok) throw new TableError(`cannot read ${path}: ${describeCode(result.code)}`);
  if (result.truncated) throw new TableError(`${path} is over ${FILE_BYTES_MAX} bytes: not read`);
  const { bytes } = result;
  if (bytes.length === 0) return [];
  if ((statOf(context, `${path}-wal`)?.size ?? 0) > 0)
    context.warn(`${path}-wal is not read: what was written last may be missing`);
  // A database in memory has no write-ahead log, so the header must not ask for one.
  if (bytes.length > 19) bytes.fill(1, 18, 20);
  const init = (await context.load(() => import('@sqlite.org/sqlite-wasm'))).default;
  const sqlite3 = await context.load(() => init());
  const database = new sqlite3.oo1.DB(':memory:');
  try {
    // SQLite takes the copy over, and frees it as it closes the database.
    const { capi, wasm } = sqlite3;
    const rc = capi.sqlite3_deserialize(
      database.pointer!,
      'main',
      wasm.allocFromTypedArray(new Uint8Array(bytes)),
      bytes.length,
      bytes.length,
      capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_READONLY,
    );
    database.checkRc(rc);
    return database.exec({ sql, rowMode: 'object', returnValue: 'resultRows' }) as Row[];
  } catch (cause) {
    throw new TableError(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  } finally {
    database.close();
  }
}

const FILE_BYTES_MAX = 64 * 1024 * 1024;
