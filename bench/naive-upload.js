/**
 * What a script of a few lines does: every file of a folder, one after another, over one connection of ssh2.
 *
 *     node bench/naive-upload.js LOCAL PORT USER KEYFILE HOSTKEYFILE REMOTE
 *
 * With Nagle's algorithm switched off, without which ssh2 takes 44 ms for each request.
 */
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';

const pieceBytes = 32_000;

async function uploadFile(sftp, from, to) {
  const data = readFileSync(from);
  const handle = await sftp.open(to, 'w');
  for (let at = 0; at < data.length; at += pieceBytes)
    await sftp.write(handle, data, at, Math.min(pieceBytes, data.length - at), at);
  await sftp.close(handle);
}

async function uploadFolder(sftp, local, remote) {
  // Fails where it exists, and that is all right.
  await sftp.mkdir(remote).catch(() => undefined);
  for (const name of readdirSync(local)) {
    const from = join(local, name);
    if (statSync(from).isDirectory()) await uploadFolder(sftp, from, `${remote}/${name}`);
    else await uploadFile(sftp, from, `${remote}/${name}`);
  }
}

const [local, port, username, keyFile, hostKeyFile, remote] = process.argv.slice(2);
const sock = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
const client = new ssh2.Client();
const hostKey = Buffer.from(readFileSync(hostKeyFile, 'utf8').split(' ')[1], 'base64');
client.connect({
  sock,
  username,
  privateKey: readFileSync(keyFile),
  hostVerifier: (key) => key.equals(hostKey),
});
await once(client, 'ready');
const wrapper = await promisify(client.sftp.bind(client))();
const sftp = Object.fromEntries(
  ['open', 'write', 'close', 'mkdir'].map((name) => [name, promisify(wrapper[name].bind(wrapper))]),
);
await uploadFolder(sftp, local, remote);
client.end();
