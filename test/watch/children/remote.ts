/** Watches a folder of a test server until it is killed; prints a line when it does. */
import { readFileSync } from 'node:fs';
import { createConnection } from '../../../src/ssh/connection.js';
import { systemClock } from '../../../src/system-clock.js';
import { createRemoteWatcher } from '../../../src/watch/remote-inotify.js';

const [port, username, keyFile, hostKeyFile, root] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const hostKey = Buffer.from(readFileSync(hostKeyFile, 'utf8').split(' ')[1]!, 'base64');
const silence = () => undefined;

const connection = createConnection({
  label: 'box',
  connect: () =>
    Promise.resolve({
      host: '127.0.0.1',
      port: Number(port),
      hostVerifier: (key) => key.equals(hostKey),
      ssh: { username, privateKey: readFileSync(keyFile) },
    }),
  clock: systemClock,
  log: { debug: silence, info: silence, warn: silence, error: silence },
});
await connection.ready();
const watcher = createRemoteWatcher({
  exec: (script, run) => Promise.resolve(connection.stream(script, { ...run, directory: root })),
  root,
});
await watcher.start({ event: silence, error: silence, excludes: () => false });
process.stdout.write('watching\n');
