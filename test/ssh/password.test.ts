import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import { createConnection } from '../../src/ssh/connection.js';
import { systemClock } from '../../src/system-clock.js';
import { canMakeAccounts, makeAccount, type TestAccount } from '../support/account.js';
import { type AskingServer, startAskingServer, type Step } from '../support/asking-server.js';
import { freshFolder } from '../support/folder.js';
import { identityFor, type LoginCase } from '../support/login-case.js';
import { ManualClock } from '../support/manual-clock.js';
import { scriptPrompts } from '../support/script-prompts.js';
import { startAgent } from '../support/ssh-agent.js';
import { makeKey, publicKeyBlob } from '../support/ssh-keys.js';
import { logIn } from '../support/ssh-login.js';
import { startSshd } from '../support/sshd.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(...steps: Step[]): Promise<AskingServer> {
  const server = await startAskingServer(steps);
  endings.push(() => server.stop());
  return server;
}

type Given = Omit<LoginCase, 'port' | 'knownHosts'>;

function caseFor(server: AskingServer, given: Given): LoginCase {
  const { port } = server;
  return { port, knownHosts: `[127.0.0.1]:${String(port)} ${server.hostKey}\n`, ...given };
}

async function logInTo(server: AskingServer, given: Given): Promise<'ready' | Error> {
  return await logIn(await identityFor(caseFor(server, given)));
}

function secretFile(content: string, mode = 0o600): string {
  const file = join(freshFolder('secret'), 'password');
  writeFileSync(file, content, { mode });
  return file;
}

const secret = 'planted pässword';
const password = { method: 'password' as const, password: secret };
const hidden = (prompt: string) => ({ prompt, echo: false });
const interactive: Step = {
  method: 'keyboard-interactive',
  rounds: [{ questions: [hidden('Password: ')], answers: [secret] }],
};
const withCode: Step = {
  method: 'keyboard-interactive',
  title: 'Two steps\u001b[2J',
  rounds: [
    { questions: [hidden('Password: ')], answers: [secret] },
    { questions: [{ prompt: 'Code: ', echo: true }], answers: ['123456'] },
  ],
};

describe('a configured password', () => {
  test.each([
    ['a file', () => ({ secrets: { passwordFile: secretFile(`${secret}\n`) } })],
    ['a command', () => ({ secrets: { passwordCommand: `printf '%s\\nsecond line\\n' '${secret}'` } })],
    ['the environment', () => ({ env: { TOWLINE_PASSWORD: secret } })],
    [
      'a credential',
      () => {
        const folder = freshFolder('credentials');
        writeFileSync(join(folder, 'towline-password'), secret, { mode: 0o440 });
        return { env: { CREDENTIALS_DIRECTORY: folder } };
      },
    ],
  ] as const)('from %s logs in, by either method', async (_, given) => {
    for (const step of [password, interactive]) {
      const server = await serve(step);
      expect(await logInTo(server, given())).toBe('ready');
      expect(server.tries).toEqual(['none', step.method]);
    }
  });

  test('an option goes before the environment, that before a credential', async () => {
    const credentials = freshFolder('credentials');
    writeFileSync(join(credentials, 'towline-password'), 'wrong');
    const server = await serve(password);
    const env = { TOWLINE_PASSWORD: secret, CREDENTIALS_DIRECTORY: credentials };
    expect(await logInTo(server, { env })).toBe('ready');
    const file = { secrets: { passwordFile: secretFile(secret) }, env: { TOWLINE_PASSWORD: 'wrong' } };
    expect(await logInTo(server, file)).toBe('ready');
  });

  test('that is wrong is tried once, says so without repeating it, and halts', async () => {
    const server = await serve(password);
    const passwordFile = secretFile('planted wrong one');
    const identity = await identityFor(caseFor(server, { secrets: { passwordFile } }));
    const connection = createConnection({ ...identity, clock: systemClock, log: silence });
    endings.push(() => connection.close());
    const error: unknown = await connection.ready().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'authentication',
      message:
        `authentication failed for dev@box: tried password (from ${passwordFile}); the server accepts password. ` +
        `Check the user name and the password from ${passwordFile}`,
    });
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('planted wrong');
    expect(connection.state.name).toBe('halted');
    expect(server.tries).toEqual(['none', 'password']);
    expect(server.connections).toBe(1);
  });

  test('that has expired says so', async () => {
    const server = await serve({ ...password, expired: true });
    const identity = await identityFor(caseFor(server, { env: { TOWLINE_PASSWORD: secret } }));
    const connection = createConnection({ ...identity, clock: systemClock, log: silence });
    endings.push(() => connection.close());
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('the password for dev@box'),
    });
    expect(server.connections).toBe(1);
  });

  test('is sent once only, whichever method it was', async () => {
    const server = await serve({ ...interactive, rounds: [{ questions: [hidden('PIN')], answers: ['x'] }] });
    const error = await logInTo(server, { env: { TOWLINE_PASSWORD: secret } });
    expect(error).toMatchObject({
      message: expect.stringContaining('tried keyboard-interactive (the password from TOWLINE_PASSWORD);'),
    });
    expect(server.tries).toEqual(['none', 'keyboard-interactive']);
  });

  test('does not answer a question that may be seen, nor a second one', async () => {
    const server = await serve(withCode);
    const error = await logInTo(server, { env: { TOWLINE_PASSWORD: secret } });
    expect(error).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining("The server asks 'Code:': run it on a terminal, to answer"),
    });
    const prompts = scriptPrompts('123456');
    expect(await logInTo(server, { env: { TOWLINE_PASSWORD: secret }, prompts })).toBe('ready');
    expect(prompts.asked).toEqual(['Two steps[2J\n(dev@box) Code: ']);
  });

  test('is not sent where ssh_config forbids it', async () => {
    const config = ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'];
    for (const step of [password, interactive]) {
      const server = await serve(step);
      expect(await logInTo(server, { config, env: { TOWLINE_PASSWORD: secret } })).toMatchObject({
        code: 'authentication',
      });
      expect(server.tries).toEqual(['none']);
    }
  });

  test('a command that fails ends it, with what it said and nothing that it printed', async () => {
    const server = await serve(password);
    const passwordCommand = `echo '${secret}'; echo 'the box is locked' >&2; exit 7`;
    const error = await logInTo(server, { secrets: { passwordCommand } });
    expect(error).toMatchObject({
      code: 'configuration',
      message: 'the password command ended with exit code 7: the box is locked. Run it by hand to see why',
    });
    expect(server.tries).toEqual(['none']);
    const leaky = `echo '${secret}'; echo "+ echo '${secret}'" >&2; exit 1`;
    expect(String(await logInTo(server, { secrets: { passwordCommand: leaky } }))).not.toContain(secret);
    expect(await logInTo(server, { secrets: { passwordCommand: 'true' } })).toMatchObject({
      message: expect.stringContaining('the password command printed nothing'),
    });
  });

  test('a command runs only when the server wants a password', async () => {
    const key = makeKey();
    const server = await serve({ method: 'publickey', key: publicKeyBlob(key) });
    expect(await logInTo(server, { identityFiles: [key], secrets: { passwordCommand: 'false' } })).toBe(
      'ready',
    );
  });
});

describe('a file with a secret', () => {
  const server = { port: 1, knownHosts: '' };

  test.each([0o644, 0o640, 0o602])('that others may use (%o) is refused', async (mode) => {
    const file = secretFile(secret);
    chmodSync(file, mode);
    for (const secrets of [{ passwordFile: file }, { passphraseFile: file }]) {
      await expect(identityFor({ ...server, secrets })).rejects.toMatchObject({
        code: 'configuration',
        path: file,
        message: expect.stringMatching(/can be read or changed by others\. .*chmod 600/),
      });
    }
  });

  test.each([
    ['missing', () => '/no/such/file', 'cannot be read (ENOENT)'],
    ['empty', () => secretFile('\n'), 'is empty'],
    ['far too long', () => secretFile('x'.repeat(5000)), 'is too long'],
  ])('that is %s is refused', async (_, file, text) => {
    await expect(identityFor({ ...server, secrets: { passwordFile: file() } })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(text),
    });
  });
});

describe('a person', () => {
  test('is asked for the password, up to three times', async () => {
    const server = await serve(password);
    const prompts = scriptPrompts('wrong', secret);
    expect(await logInTo(server, { prompts })).toBe('ready');
    const again = 'Permission denied, please try again.\n';
    expect(prompts.asked).toEqual(["hidden: dev@box's password: ", `hidden: ${again}dev@box's password: `]);
    const stubborn = scriptPrompts('wrong', 'wrong', 'wrong', secret);
    expect(await logInTo(server, { prompts: stubborn })).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('tried password (typed) 3 times; the server accepts password. Check'),
    });
    expect(stubborn.asked).toHaveLength(3);
  });

  test('answers what the server asks, whose text cannot reach the terminal as commands', async () => {
    const server = await serve(withCode);
    const prompts = scriptPrompts('wrong', secret, '123456');
    expect(await logInTo(server, { prompts })).toBe('ready');
    expect(prompts.asked).toEqual([
      'hidden: Two steps[2J\n(dev@box) Password: ',
      expect.stringMatching(/^hidden: Permission denied, please try again\.\n.*\n\(dev@box\) Password: $/),
      expect.stringMatching(/\(dev@box\) Code: $/),
    ]);
  });

  test('is not asked again once a connection stood: the answers are kept in memory', async () => {
    for (const step of [password, withCode]) {
      const server = await serve(step);
      const prompts = scriptPrompts(secret, '123456');
      const identity = await identityFor(caseFor(server, { prompts }));
      expect(await logIn(identity)).toBe('ready');
      await identity.accepted();
      const { length } = prompts.asked;
      expect(await logIn(identity)).toBe('ready');
      expect(prompts.asked).toHaveLength(length);
    }
  });

  test('whose answer is no longer right later on is not asked: it halts', async () => {
    const steps = [{ method: 'password' as const, password: secret }];
    const server = await serve(...steps);
    const prompts = scriptPrompts(secret);
    const identity = await identityFor(caseFor(server, { prompts }));
    expect(await logIn(identity)).toBe('ready');
    await identity.accepted();
    const other = await startAskingServer([{ method: 'password', password: 'changed' }]);
    endings.push(() => other.stop());
    steps[0] = { method: 'password', password: 'changed' };
    const parameters = await identity.connect();
    const moved = {
      ...identity,
      connect: () => Promise.resolve({ ...parameters, port: other.port, hostVerifier: () => true }),
    };
    expect(await logIn(moved)).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('tried password (as typed before);'),
    });
    expect(other.tries.filter((method) => method === 'password')).toHaveLength(1);
  });

  test('who gives up ends it at once', async () => {
    for (const step of [password, interactive]) {
      const server = await serve(step);
      const prompts = scriptPrompts(new TowlineError('interrupted', 'interrupted'));
      const identity = await identityFor(caseFor(server, { prompts }));
      const connection = createConnection({ ...identity, clock: systemClock, log: silence });
      endings.push(() => connection.close());
      await expect(connection.ready()).rejects.toMatchObject({ code: 'interrupted' });
      expect(server.connections).toBe(1);
    }
  });

  test('is not asked with BatchMode yes', async () => {
    const server = await serve(password);
    const prompts = scriptPrompts(secret);
    expect(await logInTo(server, { prompts, config: ['BatchMode yes'] })).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('--password-file'),
    });
    expect(prompts.asked).toEqual([]);
  });

  test('may take longer than logging in may, and an answer to a connection that is gone does no harm', async () => {
    const server = await serve(password);
    const answer = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<undefined>();
    const prompts = {
      secret: () => {
        asked.resolve(undefined);
        return answer.promise;
      },
      answer: () => Promise.reject(new Error('nobody')),
    };
    const identity = await identityFor(caseFor(server, { prompts }));
    const clock = new ManualClock();
    const connection = createConnection({ ...identity, clock, log: silence, giveUpAfter: 1 });
    endings.push(() => connection.close());
    await asked.promise;
    for (let minutes = 0; minutes < 10; minutes++) clock.advance(60_000);
    expect(connection.state.name).toBe('connecting');
    server.dropConnections();
    await expect(connection.ready()).rejects.toMatchObject({ code: 'network' });
    answer.resolve(secret);
    await answer.promise;
  });
});

describe('two steps', () => {
  test.each([
    ['a file', 'password', password],
    ['a file', 'keyboard-interactive', interactive],
    ['an agent', 'password', password],
    ['an agent', 'keyboard-interactive', interactive],
  ] as const)('a key of %s, then %s', async (where, _, step) => {
    const key = makeKey();
    const server = await serve({ method: 'publickey', key: publicKeyBlob(key) }, step);
    const agent = await startAgent();
    endings.push(() => agent.stop());
    if (where === 'an agent') agent.add(key);
    const given = {
      env: { TOWLINE_PASSWORD: secret, SSH_AUTH_SOCK: agent.socket },
      identityFiles: where === 'a file' ? [key] : [],
    };
    expect(await logInTo(server, given)).toBe('ready');
    const error = await logInTo(server, { ...given, env: { SSH_AUTH_SOCK: agent.socket } });
    expect(error).toMatchObject({
      code: 'authentication',
      message: expect.stringContaining(
        `the server accepts ${step.method}. The server took a key and wants a password, too`,
      ),
    });
  });

  test('a password, then a code', async () => {
    const code: Step = {
      method: 'keyboard-interactive',
      rounds: [{ questions: [hidden('Code: ')], answers: ['123456'] }],
    };
    const server = await serve(password, code);
    const prompts = scriptPrompts('123456');
    expect(await logInTo(server, { prompts, env: { TOWLINE_PASSWORD: secret } })).toBe('ready');
    expect(prompts.asked).toEqual(['hidden: (dev@box) Code: ']);
  });
});

describe.runIf(canMakeAccounts)('with OpenSSH', () => {
  let account: TestAccount;
  beforeAll(() => {
    account = makeAccount();
    return () => account.remove();
  });

  const servers = [
    ['passwords only', ['PubkeyAuthentication no', 'PasswordAuthentication yes']],
    [
      'keyboard-interactive without a question, then a password',
      ['PasswordAuthentication yes', 'KbdInteractiveAuthentication yes'],
    ],
    ['PAM, by keyboard-interactive only', ['UsePAM yes', 'KbdInteractiveAuthentication yes']],
    ['publickey,password', ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password']],
    [
      'publickey,keyboard-interactive',
      [
        'UsePAM yes',
        'KbdInteractiveAuthentication yes',
        'AuthenticationMethods publickey,keyboard-interactive',
      ],
    ],
  ] as const;

  test.each(servers)('%s', async (_, config) => {
    // The account cannot read our folders, root can.
    const key = makeKey();
    const keys = [`AuthorizedKeysCommand /bin/cat ${key}.pub`, 'AuthorizedKeysCommandUser root'];
    const server = await startSshd({ config: [...config, ...keys] });
    onTestFinished(() => server.stop());
    const one = {
      port: server.port,
      knownHosts: readFileSync(server.knownHostsFile, 'utf8'),
      user: account.user,
      identityFiles: config.some((line) => line.includes('publickey,')) ? [key] : [],
    };
    const passwordFile = secretFile(account.password);
    expect(await logIn(await identityFor({ ...one, secrets: { passwordFile } }))).toBe('ready');
    const prompts = scriptPrompts('wrong', account.password);
    expect(await logIn(await identityFor({ ...one, prompts }))).toBe('ready');
    expect(prompts.asked).toHaveLength(2);
    const error = await logIn(await identityFor({ ...one, env: { TOWLINE_PASSWORD: 'planted' } }));
    expect(error).toMatchObject({ code: 'authentication' });
    expect(String(error)).not.toContain('planted');
  });
});
