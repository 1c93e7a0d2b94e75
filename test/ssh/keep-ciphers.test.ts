import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a process does that connects for months, in a second: ciphers are made, freed and dropped, between turns of the loop. */
const months = `
import { createRequire } from 'node:module';
await import(process.argv[1]);
const { createCipher, createDecipher, CIPHER_INFO } = createRequire(process.argv[2])('ssh2/lib/protocol/crypto.js');
const [cipherInfo, key, iv] = [CIPHER_INFO['aes256-gcm@openssh.com'], Buffer.alloc(32), Buffer.alloc(12)];
const outbound = { seqno: 0, onWrite() {}, cipherInfo, cipherKey: key, cipherIV: iv };
const inbound = { seqno: 0, onPayload() {}, decipherInfo: cipherInfo, decipherKey: key, decipherIV: iv };
let turns = 0;
function turn() {
  const dropped = [];
  for (let count = 0; count < 2000; count++) {
    const pair = [createCipher({ outbound, inbound }), createDecipher({ outbound, inbound })];
    for (const one of pair) one.free();
    dropped.push(pair);
  }
  if (++turns < 100) setImmediate(turn);
  else console.log('alive');
}
turn();
`;

test.each(['dist/ssh/transport.js', 'dist/ssh/key-file.js'])(
  'a process that loaded %s outlives its ciphers',
  (entry) => {
    const args = ['--input-type=module', '-e', months, join(root, entry), join(root, 'package.json')];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, signal, stdout }, stderr).toEqual({ status: 0, signal: null, stdout: 'alive\n' });
  },
);

test('whoever loads ssh2 sees to that first', () => {
  const folder = join(root, 'src/ssh');
  const importers = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const)
    .filter(([, text]) => /^import (?!type ).* from 'ssh2';$/m.test(text));
  expect(importers.length).toBeGreaterThan(0);
  for (const [name, text] of importers)
    expect(text, name).toMatch(/keep-ciphers\.js';\nimport .* from 'ssh2';/);
});
