import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { loadKeyFiles } from '../../src/ssh/key-file.js';
import { type AskingServer, startAskingServer } from '../support/asking-server.js';
import { freshFolder } from '../support/folder.js';
import { identityFor, type LoginCase } from '../support/login-case.js';
import { scriptPrompts } from '../support/script-prompts.js';
import { type KeyOptions, makeKey, publicKeyBlob } from '../support/ssh-keys.js';
import { logIn } from '../support/ssh-login.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const passphrase = 'planted passphrase';

async function serverFor(key: Buffer): Promise<AskingServer> {
  const server = await startAskingServer([{ method: 'publickey', key }]);
  endings.push(() => server.stop());
  return server;
}

function identityAt(server: AskingServer, given: Omit<LoginCase, 'port' | 'knownHosts'>) {
  const knownHosts = `[127.0.0.1]:${String(server.port)} ${server.hostKey}\n`;
  return identityFor({ port: server.port, knownHosts, ...given });
}

function secretFile(content: string): string {
  const file = join(freshFolder('secret'), 'passphrase');
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

/** ssh-keygen writes no PKCS #8 of this kind. */
function pkcs8Ed25519(encrypted: boolean): { file: string; blob: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const file = join(freshFolder('pkcs8'), 'key');
  const cipher = encrypted ? { cipher: 'aes-256-cbc', passphrase } : {};
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }));
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    point,
  ]);
  return { file, blob };
}

const kinds: readonly KeyOptions[] = [
  { type: 'ed25519' },
  { type: 'rsa' },
  { type: 'ecdsa' },
  { type: 'rsa', format: 'PEM' },
  { type: 'ecdsa', format: 'PEM' },
  { type: 'rsa', format: 'PKCS8' },
  { type: 'ecdsa', format: 'PKCS8' },
];

describe('an encrypted key', () => {
  test.each(kinds)('%j, with its public file and without', async (kind) => {
    const file = makeKey({ ...kind, passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const given = { identityFiles: [file], secrets: { passphraseFile: secretFile(`${passphrase}\n`) } };
    expect(await logIn(await identityAt(server, given))).toBe('ready');
    rmSync(`${file}.pub`);
    expect(await logIn(await identityAt(server, given))).toBe('ready');
  });

  test.each([true, false])('PKCS #8 of ed25519 works (encrypted: %s)', async (encrypted) => {
    const { file, blob } = pkcs8Ed25519(encrypted);
    const server = await serverFor(blob);
    const given = { identityFiles: [file], env: { TOWLINE_PASSPHRASE: passphrase } };
    expect(await logIn(await identityAt(server, given))).toBe('ready');
  });

  test('of a kind that SSH does not have says so', async () => {
    const { privateKey } = generateKeyPairSync('ed448');
    const file = join(freshFolder('ed448'), 'key');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await expect(loadKeyFiles([{ path: file, origin: 'option' }])).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('not a private key (in a format that can be used)'),
    });
  });

  test('takes its passphrase from a credential', async () => {
    const file = makeKey({ passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const folder = freshFolder('credentials');
    writeFileSync(join(folder, 'towline-passphrase'), passphrase);
    const given = { identityFiles: [file], env: { CREDENTIALS_DIRECTORY: folder } };
    expect(await logIn(await identityAt(server, given))).toBe('ready');
  });

  test('is asked about only when the server would take it, after all keys that need no question', async () => {
    const [plain, strange, right] = [makeKey(), makeKey({ passphrase }), makeKey({ passphrase })];
    const server = await serverFor(publicKeyBlob(right));
    const prompts = scriptPrompts(passphrase);
    const identity = await identityAt(server, { identityFiles: [strange, right, plain], prompts });
    expect(await logIn(identity)).toBe('ready');
    expect(prompts.asked).toEqual([`hidden: Passphrase for ${right}: `]);
    // none, the plain one, both encrypted ones; signed with the last.
    expect(server.tries).toEqual(['none', 'publickey?', 'publickey?', 'publickey?', 'publickey']);
    const other = await serverFor(publicKeyBlob(plain));
    const nobody = scriptPrompts();
    const given = { identityFiles: [strange, plain], prompts: nobody };
    expect(await logIn(await identityAt(other, given))).toBe('ready');
    expect(nobody.asked).toEqual([]);
  });

  test('is asked about once: its key is kept in memory', async () => {
    const file = makeKey({ passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const prompts = scriptPrompts(passphrase);
    const identity = await identityAt(server, { identityFiles: [file], prompts });
    expect(await logIn(identity)).toBe('ready');
    await identity.accepted();
    rmSync(file);
    expect(await logIn(identity)).toBe('ready');
    expect(prompts.asked).toHaveLength(1);
  });

  test('a wrong passphrase is asked for again, up to three times', async () => {
    const file = makeKey({ passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const prompts = scriptPrompts('wrong', passphrase);
    const given = { identityFiles: [file] };
    expect(await logIn(await identityAt(server, { ...given, prompts }))).toBe('ready');
    expect(prompts.asked[1]).toBe(`hidden: That passphrase does not fit.\nPassphrase for ${file}: `);
    const stubborn = scriptPrompts('wrong', 'wrong', 'wrong', passphrase);
    expect(await logIn(await identityAt(server, { ...given, prompts: stubborn }))).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining(`${file} (encrypted, and no passphrase that was given fits)`),
    });
    expect(stubborn.asked).toHaveLength(3);
    const silent = scriptPrompts('');
    expect(await logIn(await identityAt(server, { ...given, prompts: silent }))).toMatchObject({
      message: expect.stringContaining(`${file} (encrypted, and no passphrase was given)`),
    });
  });

  test('a configured passphrase that does not fit says so, without repeating it', async () => {
    const file = makeKey({ passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const env = { TOWLINE_PASSPHRASE: 'planted wrong one' };
    const error = await logIn(await identityAt(server, { identityFiles: [file], env }));
    expect(error).toMatchObject({
      code: 'authentication',
      message: expect.stringMatching(
        /there was no key to try; not tried: \S+ \(encrypted, and the passphrase from TOWLINE_PASSPHRASE does not fit\)\. Check the passphrase from TOWLINE_PASSPHRASE/,
      ),
    });
    expect(String(error)).not.toContain('planted');
  });

  test('who gives up ends it at once', async () => {
    const file = makeKey({ passphrase });
    const server = await serverFor(publicKeyBlob(file));
    const prompts = scriptPrompts(new TowlineError('interrupted', 'interrupted'));
    expect(await logIn(await identityAt(server, { identityFiles: [file], prompts }))).toMatchObject({
      code: 'interrupted',
    });
  });
});
