/** Says that it is ready; on a line from its parent asks for the lock, prints how that went, and holds it until killed
 * (its standard input keeps it alive); refused, it ends. */
import { once } from 'node:events';
import { hasCode } from '../../../src/core/errors.js';
import { acquireLock } from '../../../src/state/lock.js';

const [folder] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
try {
  await acquireLock(folder!);
  process.stdout.write('won\n');
} catch (error) {
  if (!hasCode(error, 'locked')) throw error;
  process.stdout.write(`${error.message}\n`);
  process.stdin.destroy();
}
