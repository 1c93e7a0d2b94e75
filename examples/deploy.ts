/**
 * Deploys a build: shows what would be done, does it, reads every file back over there, and reloads the service.
 *
 *   node examples/deploy.ts ./build dev@box:/srv/app 'systemctl reload app'
 */
import { plan, sync, type SyncOptions } from 'towline';

const [local, remote, reload] = process.argv.slice(2);
if (local === undefined || remote === undefined) {
  console.error('usage: node deploy.ts LOCAL [USER@]HOST:PATH [COMMAND]');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

const release: SyncOptions = {
  local,
  remote,
  // The server becomes a mirror of the build. More than 30 % of it at once is held back: is this the right folder?
  delete: true,
  maxDelete: '30%',
  // Each file is hashed where it lies, and compared with what was sent.
  verify: 'checksum',
  chmod: 'D755,F644',
  // Once, when all is there; not if nothing changed.
  afterSync: reload === undefined ? [] : { command: reload, where: 'remote' },
  ...(sshConfig && { sshConfig }),
};

const { actions } = await plan(release);
for (const { action, path, reason } of actions) console.log(`${action} ${path} (${reason})`);

const { transferred, deleted, problems, holds } = await sync(release);
console.log(`sent ${transferred}, deleted ${deleted}`);
for (const { path, code, message } of problems) console.error(`${path}: ${message} (${code})`);
for (const { message } of holds) console.error(`deletions held back: ${message}`);
if (problems.length > 0) process.exitCode = 1;
else if (holds.length > 0) process.exitCode = 5;
