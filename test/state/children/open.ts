/** Opens a state under a hostile umask, puts one row, and prints how that went as one line of JSON. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../src/core/errors.js';
import { openState } from '../../../src/state/open.js';

const [folder, umask] = process.argv.slice(2);
process.umask(Number(umask));
try {
  const state = await openState({ folder: folder!, label: 'test' });
  await state.queue.put([{ path: 'a', cause: 'watch', sinceMs: 1 }]);
  const modes = readdirSync(folder!).map((name) => statSync(join(folder!, name)).mode & 0o777);
  process.stdout.write(`${JSON.stringify({ folder: statSync(folder!).mode & 0o777, modes })}\n`);
  await state.close();
} catch (error) {
  if (!hasCode(error, 'state')) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
}
