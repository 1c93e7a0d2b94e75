import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { type Connection, type ConnectionOptions, createConnection } from '../../src/ssh/connection.js';
import { createIdentity } from '../../src/ssh/identity.js';
import { parseTarget } from '../../src/ssh/target.js';
import { systemClock } from '../../src/system-clock.js';
import { stateOf } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { configFor } from '../support/ssh-hops.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(): Promise<TestSshd> {
  const server = await startSshd();
  endings.push(() => server.stop());
  return server;
}

async function connect(
  configFile: string,
  options: Partial<ConnectionOptions> = {},
  target = 'box:',
): Promise<Connection> {
  const identity = await createIdentity({
    target: parseTarget(target),
    configFile,
    acceptNew: false,
    env: process.env,
  });
  const { label, classify } = identity;
  const base = { label, connect: identity.connect, classify, clock: systemClock, log: silence };
  const connection = createConnection({ ...base, ...options });
  endings.push(() => connection.close());
  return connection;
}

/** A program as people use it for this (nc, connect-proxy); it writes its process id to `pidFile`. */
function netcat(): { command: string; pidFile: string } {
  const folder = freshFolder('netcat');
  const program = join(folder, 'netcat.mjs');
  const pidFile = join(folder, 'pid');
  writeFileSync(
    program,
    `import { connect } from 'node:net';
     import { writeFileSync } from 'node:fs';
     writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
     const [host, port] = process.argv.slice(2);
     const socket = connect(Number(port), host);
     process.stdin.pipe(socket).pipe(process.stdout);
     socket.on('close', () => process.exit());\n`,
  );
  return { command: `${process.execPath} ${program}`, pidFile };
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('ProxyCommand', () => {
  test('carries the connection and ends with it', async () => {
    const box = await serve();
    const { command, pidFile } = netcat();
    const connection = await connect(
      configFor({ box: { server: box, lines: [`ProxyCommand ${command} %h %p`] } }),
    );
    await connection.ready();
    const channel = await connection.channel('transfer');
    const path = join(freshFolder('data'), 'file');
    const handle = await channel.createExclusive(path, 0o600);
    const data = Buffer.alloc(3_000_000, 'proxied ');
    await (
      await channel.write(handle, data, 0)
    ).acknowledged;
    await channel.closeHandle(handle);
    expect(readFileSync(path).equals(data)).toBe(true);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(runs(pid)).toBe(true);
    await connection.close();
    await eventually(() => {
      expect(runs(pid)).toBe(false);
    });
  });

  test('ssh -W, as in many a configuration; and a new one is started when it ends', async () => {
    const [jump, box] = [await serve(), await serve()] as const;
    const jumpConfig = configFor({ jump: { server: jump } });
    const lines = [`ProxyCommand ssh -F ${jumpConfig} -W "[%h]:%p" jump`];
    const connection = await connect(configFor({ box: { server: box, lines } }));
    await connection.ready();
    jump.killSessions();
    const { error } = await stateOf(connection, 'waiting');
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('ProxyCommand') });
    await stateOf(connection, 'ready', ({ epoch }) => epoch === 2);
  });

  test('tokens are expanded, and the line is for the shell', async () => {
    const box = await serve();
    const { command } = netcat();
    const seen = join(freshFolder('seen'), 'tokens');
    const line = `ProxyCommand sh -c 'echo "$0" "$@" > ${seen}; exec ${command} "$1" "$2"' zero %h %p %r %n %%`;
    await (await connect(configFor({ box: { server: box, lines: [line] } }))).ready();
    expect(readFileSync(seen, 'utf8')).toBe(
      `zero 127.0.0.1 ${String(box.port)} ${userInfo().username} box %\n`,
    );
  });

  test('Ctrl-C is not for the command: it is needed for our goodbye', async () => {
    const box = await serve();
    const { command } = netcat();
    const lines = [`ProxyCommand sh -c 'kill -INT $$; exec ${command} %h %p'`];
    const connection = await connect(configFor({ box: { server: box, lines } }), { giveUpAfter: 1 });
    await connection.ready();
  });

  test('one that fails is told with its exit code and what it said, and tried again', async () => {
    const box = await serve();
    const lines = ["ProxyCommand sh -c 'echo no gateway today >&2; exit 7'"];
    const connection = await connect(configFor({ box: { server: box, lines } }));
    const { error } = await stateOf(connection, 'waiting', ({ attempt }) => attempt === 2);
    expect(error).toMatchObject({
      code: 'network',
      message: expect.stringMatching(
        /ProxyCommand for \S+@box:\d+ ended with exit code 7; it said: no gateway today/,
      ),
      serverText: 'no gateway today',
    });
  });

  test('one that does not exist is a matter for a person', async () => {
    const box = await serve();
    const lines = ['ProxyCommand towline-no-such-program %h'];
    const { error } = await stateOf(await connect(configFor({ box: { server: box, lines } })), 'halted');
    expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining('exit code 127') });
  });

  test('one that says nothing is given up in time and ended', async () => {
    const box = await serve();
    const pidFile = join(freshFolder('silent'), 'pid');
    const lines = [`ProxyCommand sh -c 'echo $$ > ${pidFile}; exec sleep 1000'`, 'ConnectTimeout 1'];
    const connection = await connect(configFor({ box: { server: box, lines } }), { giveUpAfter: 1 });
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('within 1 s'),
    });
    await eventually(() => {
      expect(runs(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
    });
  });

  test('names that a shell would take for more than names never reach one', async () => {
    const box = await serve();
    const file = join(freshFolder('evil'), 'made');
    const configFile = configFor({ '*': { server: box, lines: ['ProxyCommand nc %n %p'] } });
    await expect(connect(configFile, {}, 'x;touch$IFS' + file + ':')).rejects.toMatchObject({
      code: 'configuration',
    });
    await expect(
      connect(configFor({ box: { server: box, lines: ['ProxyCommand nc %x'] } })),
    ).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining("'%x'"),
    });
  });
});
