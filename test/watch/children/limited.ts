/** Watches the folder it is given; prints how the start went, and each error of the watcher, as lines of JSON. */
import { asTowlineError, type TowlineError } from '../../../src/core/errors.js';
import { createChokidarWatcher } from '../../../src/watch/chokidar-watcher.js';

const tell = (what: string, error?: TowlineError) =>
  process.stdout.write(`${JSON.stringify({ what, code: error?.code, message: error?.message })}\n`);

const watcher = createChokidarWatcher({ root: process.argv[2]! });
process.stdin.once('end', () => void watcher.close()).resume();
try {
  await watcher.start({
    event: () => undefined,
    error: (error) => tell('error', error),
    excludes: () => false,
  });
  tell('started');
} catch (error) {
  tell('refused', asTowlineError(error));
}
