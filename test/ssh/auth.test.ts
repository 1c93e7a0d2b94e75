import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasCode, TowlineError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/ssh/identity.js';
import { loadKeyFiles } from '../../src/ssh/key-file.js';
import { parseTarget } from '../../src/ssh/target.js';
import { freshFolder } from '../support/folder.js';
import { startAgent, type TestAgent } from '../support/ssh-agent.js';
import { authorize, makeKey, publicKeyBlob, publicKeyText } from '../support/ssh-keys.js';
import { logIn } from '../support/ssh-login.js';
import { type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';

let server: TestSshd;
beforeAll(async () => {
  server = await startSshd();
});
afterAll(() => server.stop());

interface Case {
  readonly config?: readonly string[];
  readonly identityFiles?: readonly string[];
  readonly agent?: TestAgent;
  readonly at?: TestSshd;
}

/** An identity for our server; without `config` and `identityFiles` there is no key file at all. */
function identityOf({ config = ['IdentityFile none'], identityFiles = [], agent, at = server }: Case) {
  const configFile = join(freshFolder('client'), 'config');
  const lines = [
    ...config,
    'HostName 127.0.0.1',
    `Port ${String(at.port)}`,
    `UserKnownHostsFile ${at.knownHostsFile}`,
    'StrictHostKeyChecking yes',
  ];
  writeFileSync(configFile, `Host box\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const env = { ...process.env, SSH_AUTH_SOCK: agent?.socket };
  return createIdentity({ target: parseTarget('box:'), configFile, identityFiles, acceptNew: false, env });
}

/** Logs in and expects to be refused. */
async function refusal(one: Case): Promise<TowlineError> {
  const result = await logIn(await identityOf(one));
  expect(result).toBeInstanceOf(TowlineError);
  if (!hasCode(result, 'authentication')) throw new Error(`expected to be refused: ${String(result)}`);
  return result;
}

describe('key files', () => {
  test.each([
    { type: 'ed25519' },
    { type: 'rsa' },
    { type: 'ecdsa' },
    { type: 'rsa', format: 'PEM' },
    { type: 'ecdsa', format: 'PEM' },
    { type: 'rsa', format: 'PKCS8' },
    { type: 'ecdsa', format: 'PKCS8' },
  ] as const)('logs in with %j', async (options) => {
    const file = makeKey(options);
    authorize(server.authorizedKeysFile, file);
    expect(await logIn(await identityOf({ identityFiles: [file] }))).toBe('ready');
  });

  test('several are tried in order', async () => {
    const config = [makeKey(), join(freshFolder(), 'missing'), server.keyFile].map(
      (file) => `IdentityFile ${file}`,
    );
    expect(await logIn(await identityOf({ config }))).toBe('ready');
  });

  test('the wrong one is refused, and the message lists what was tried and what was not', async () => {
    const [wrong, locked] = [
      makeKey({ name: 'wrong' }),
      makeKey({ name: 'locked', passphrase: 'planted secret' }),
    ];
    const error = await refusal({ identityFiles: [wrong], config: [`IdentityFile ${locked}`] });
    expect(error.message).toBe(
      `authentication failed for ${server.user}@box: tried ${wrong}; not tried: ${locked} (encrypted, and there is no passphrase); ` +
        `the server accepts publickey. Add the key to an agent (ssh-add '${locked}'), or give its passphrase by ` +
        '--passphrase-file or TOWLINE_PASSPHRASE',
    );
    expect(JSON.stringify(error)).not.toContain('planted secret');
  });

  test('with no key at all the server is asked what it takes', async () => {
    const error = await refusal({});
    expect(error.message).toContain(
      'there was no key to try; the server accepts publickey. Name a key with -i',
    );
  });

  test.each(['PEM', 'PKCS8', undefined] as const)(
    'an encrypted key in format %s is known as such',
    async (format) => {
      const file = makeKey({
        type: 'rsa',
        passphrase: 'secret',
        ...(format === undefined ? {} : { format }),
      });
      const [loaded] = await loadKeyFiles([{ path: file, origin: 'option' }]);
      expect(loaded).toMatchObject({
        problem: 'encrypted',
        privateKey: null,
        publicKey: publicKeyBlob(file),
      });
    },
  );

  test('-i with a file that is missing or no key is a configuration error that names it', async () => {
    const folder = freshFolder('bad');
    const missing = join(folder, 'missing');
    const text = join(folder, 'text');
    const broken = join(folder, 'broken');
    writeFileSync(text, 'hello\n');
    writeFileSync(broken, '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n');
    for (const file of [missing, text, broken, folder]) {
      await expect(identityOf({ identityFiles: [file] })).rejects.toMatchObject({
        code: 'configuration',
        path: file,
        message: expect.stringContaining(`-i ${file}`),
      });
    }
    const kinds = await loadKeyFiles([missing, text].map((path) => ({ path, origin: 'config' })));
    expect(kinds.map(({ problem }) => problem)).toEqual(['missing', 'unusable']);
    expect(await loadKeyFiles([{ path: missing, origin: 'default' }])).toEqual([]);
  });

  test('a server that takes no keys says so', async () => {
    const deaf = await serverHere({ config: ['PubkeyAuthentication no', 'PasswordAuthentication yes'] });
    const error = await refusal({ at: deaf, config: [`IdentityFile ${deaf.keyFile}`] });
    expect(error.message).toContain('the server accepts password. This server takes no keys');
  });

  test('a server that wants a second step says so', async () => {
    const config = ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'];
    const strict = await serverHere({ config });
    const error = await refusal({ at: strict, config: [`IdentityFile ${strict.keyFile}`] });
    expect(error.message).toContain(
      'the server accepts password. The server took a key and wants a password, too',
    );
  });

  test('PubkeyAuthentication no is honoured', async () => {
    const error = await refusal({ config: ['PubkeyAuthentication no', `IdentityFile ${server.keyFile}`] });
    expect(error.message).toContain('PubkeyAuthentication no');
  });
});

describe('the agent', () => {
  let agent: TestAgent;
  let right: string;
  beforeAll(async () => {
    agent = await startAgent();
    right = makeKey({ name: 'right', passphrase: '' });
    authorize(server.authorizedKeysFile, right);
    agent.add(...Array.from({ length: 9 }, (_, index) => makeKey({ name: `wrong${String(index)}` })), right);
  });
  afterAll(() => agent.stop());

  test('too many keys: the server gives up, and the message says how to name the right one', async () => {
    const error = await refusal({ agent });
    expect(error.message).toMatch(/tried agent \(\d of 10 keys\).*the server said: .*IdentitiesOnly yes/);
    expect(error.serverText).toBeDefined();
  });

  test('the key that a file names is tried first', async () => {
    expect(await logIn(await identityOf({ agent, identityFiles: [right] }))).toBe('ready');
  });

  test('IdentitiesOnly: only the keys that files name, by a public file, too', async () => {
    const publicOnly = join(freshFolder('public'), 'right.pub');
    writeFileSync(publicOnly, `${publicKeyText(right)}\n`);
    const only = 'IdentitiesOnly yes';
    for (const file of [publicOnly, publicOnly.slice(0, -4)]) {
      expect(await logIn(await identityOf({ agent, config: [only, `IdentityFile ${file}`] }))).toBe('ready');
    }
    const wrong = makeKey({ name: 'wrong' });
    const error = await refusal({ agent, config: [only, `IdentityFile ${wrong}`] });
    expect(error.message).toContain(`tried ${wrong};`);
    expect(error.message).not.toContain('agent (');
  });

  test('an encrypted key is used through the agent that holds it', async () => {
    const small = await agentHere();
    const file = makeKey({ name: 'locked' });
    authorize(server.authorizedKeysFile, file);
    small.add(file);
    const locked = join(freshFolder('locked'), 'locked');
    encryptCopy(file, locked);
    expect(await logIn(await identityOf({ agent: small, identityFiles: [locked] }))).toBe('ready');
    const error = await refusal({ identityFiles: [locked] });
    expect(error.message).toContain(`${locked} (encrypted`);
  });

  test('RSA and ECDSA keys in the agent work', async () => {
    for (const type of ['rsa', 'ecdsa'] as const) {
      const small = await agentHere();
      const file = makeKey({ type });
      authorize(server.authorizedKeysFile, file);
      small.add(file);
      expect(await logIn(await identityOf({ agent: small }))).toBe('ready');
    }
  });

  test('one that is gone or locked does not keep the files from being tried', async () => {
    const small = await agentHere();
    small.add(right);
    const config = [`IdentityFile ${server.keyFile}`];
    const identity = await identityOf({ agent: small, config });
    small.lock();
    expect(await logIn(identity)).toBe('ready');
    await small.stop();
    expect(await logIn(identity)).toBe('ready');
    const error = await refusal({ agent: small });
    expect(error.message).toContain(`not tried: the agent at ${small.socket}`);
  });

  test('a key that it will not sign with does not keep the others from being tried', async () => {
    const small = await agentHere();
    small.addUnconfirmed(right);
    const config = [`IdentityFile ${server.keyFile}`];
    expect(await logIn(await identityOf({ agent: small, config }))).toBe('ready');
    const error = await refusal({ agent: small });
    expect(error.message).toContain("the agent's key right (the agent would not sign)");
  });

  test('is asked anew for each connection', async () => {
    const small = await agentHere();
    const identity = await identityOf({ agent: small });
    expect(await logIn(identity)).toMatchObject({ code: 'authentication' });
    small.add(right);
    expect(await logIn(identity)).toBe('ready');
  });
});

/** Ends with the test, however that ends. */
async function agentHere(): Promise<TestAgent> {
  const small = await startAgent();
  onTestFinished(() => small.stop());
  return small;
}

async function serverHere(options: SshdOptions): Promise<TestSshd> {
  const one = await startSshd(options);
  onTestFinished(() => one.stop());
  return one;
}

function encryptCopy(from: string, to: string): void {
  copyFileSync(from, to);
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', to], { stdio: 'pipe' });
}
