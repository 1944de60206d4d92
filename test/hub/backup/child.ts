/** A backup or restore as a process to kill: node --import tsx backup-child.ts backup|verify|restore URL FILE FOLDER HOME. */
import { backupDatabase, restoreDatabase } from '../../../src/hub/backup/embedded-backup.ts';

const [mode = '', url = '', file = '', folder = '', homeForRoot = ''] = process.argv.slice(2);
try {
  if (mode === 'restore') await restoreDatabase({ url, file });
  else
    await backupDatabase({
      url,
      file,
      homeForRoot,
      ...(mode === 'verify' && { verifyIn: folder }),
    });
  console.log('done');
} catch (error) {
  console.log((error as { code?: string }).code, (error as Error).message);
}
