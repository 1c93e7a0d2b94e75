/**
 * Puts one file on a server, checks it there, and lists what is beside it. A call that is cut short, even by the end of the
 * process, is continued when it is made again.
 *
 *   node examples/single-files.ts app.tar dev@box:/srv releases/app-2.tar
 */
import { dirname } from 'node:path/posix';
import { connect } from 'towline';

const [file, target, path] = process.argv.slice(2);
if (file === undefined || target === undefined || path === undefined) {
  console.error('usage: node single-files.ts FILE [USER@]HOST:FOLDER PATH');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

// Closed at the end of the block, whatever happens.
await using session = await connect(target, {
  bwlimit: 10 * 1024, // KiB/s
  signal: AbortSignal.timeout(30_000), // for connecting
  ...(sshConfig && { sshConfig }),
});

const { bytes, complete } = await session.writeFile(file, path, {
  progress: ({ bytes: sent, size }) => console.log(`${Math.round((100 * sent) / Math.max(size, 1))} %`),
});
console.log(complete ? 'was there already' : `sent ${bytes} bytes`);

// Computed on the server where it has a shell.
for (const [name, sha256] of await session.hash(path)) console.log(`${name} is ${sha256}`);

const folder = dirname(path);
for await (const entry of session.list(folder === '.' ? '' : folder)) {
  console.log(`${entry.path}: ${entry.size} bytes`);
}
