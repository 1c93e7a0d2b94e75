import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type TestProxy, startProxy } from '../support/proxy.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, type Watching, freshPair, push, towlineFile, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

async function server(): Promise<TestSshd> {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  return sshd;
}

function started(pair: TestPair, flags: readonly string[] = []): Watching {
  const agent = watch(pair, flags);
  onTestFinished(async () => {
    await agent.stop();
  });
  return agent;
}

/** A pair whose connections go through a proxy. */
async function proxied(
  sshd: TestSshd,
  options: { bytesPerSecond?: number } = {},
): Promise<[TestPair, TestProxy]> {
  const proxy = await startProxy({ targetPort: sshd.port, ...options });
  onTestFinished(() => proxy.stop());
  const pair = freshPair(sshd);
  // The host key is known for the server's own port; the alias says whose key it is behind the proxy.
  const config = join(pair.stateDir, '..', 'ssh_config');
  writeFileSync(
    config,
    `Host box\n  HostKeyAlias [127.0.0.1]:${String(sshd.port)}\n  Port ${String(proxy.port)}\n` +
      readFileSync(sshd.sshConfigFile, 'utf8'),
  );
  return [{ ...pair, flags: ['-F', config, '--state-dir', pair.stateDir] }, proxy];
}

function grow(root: string, count: number, bytes: number): void {
  for (let index = 0; index < count; index++) {
    const folder = join(root, `d${String(index % 20)}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${String(index)}`), randomBytes(1 + ((index * 7919) % bytes)));
  }
}

async function converged(pair: TestPair): Promise<void> {
  await eventually(() => {
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  }, 60_000);
}

function temps(pair: TestPair): string[] {
  return readdirSync(pair.remote, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.towline'),
  );
}

test('a restart of sshd in the middle of 1,000 files loses nothing and needs no hand', async () => {
  const sshd = await server();
  const pair = freshPair(sshd);
  grow(pair.local, 1000, 20_000);
  const agent = started(pair);
  await eventually(() => {
    expect(readdirSync(pair.remote, { recursive: true }).length).toBeGreaterThan(100);
  });
  await sshd.restart();
  await converged(pair);
  expect(agent.lines.some(({ state }) => state === 'waiting')).toBe(true);
  await eventually(() => {
    expect(temps(pair)).toEqual([]);
  });
});

test('a save while the server is away arrives when it is back', async () => {
  const sshd = await server();
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'one');
  const agent = started(pair);
  await agent.ready();
  await sshd.stop();
  await agent.line(({ state }) => state === 'waiting');
  writeFileSync(join(pair.local, 'a'), 'two');
  writeFileSync(join(pair.local, 'b'), 'new');
  await sshd.restart();
  await converged(pair);
});

test('watch waits for a server that is not there yet', async () => {
  const sshd = await server();
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'x');
  await sshd.stop();
  const agent = started(pair);
  await agent.line(({ state }) => state === 'waiting');
  await sshd.restart();
  await agent.ready();
  await converged(pair);
});

test('connections that are cut again and again', async () => {
  const sshd = await server();
  const [pair, proxy] = await proxied(sshd);
  grow(pair.local, 300, 40_000);
  const agent = started(pair);
  for (let cut = 1; cut <= 3; cut++) {
    await agent.line(({ state, epoch }) => state === 'ready' && Number(epoch) >= cut);
    proxy.dropAfterBytes(700_000);
  }
  await converged(pair);
  await eventually(() => {
    expect(temps(pair)).toEqual([]);
  });
});

test('push survives a cut, and ends with exit code 4 when the server stays away', async () => {
  const sshd = await server();
  const [pair, proxy] = await proxied(sshd);
  grow(pair.local, 200, 40_000);
  proxy.dropAfterBytes(1_500_000);
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(proxy.connections).toBeGreaterThan(1);
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  await sshd.stop();
  await expect(push(pair)).resolves.toMatchObject({ code: 4 });
});

test('a clean stop in the middle of a large file leaves nothing that the next start does not finish', async () => {
  const sshd = await server();
  const [pair] = await proxied(sshd, { bytesPerSecond: 2 * 2 ** 20 });
  const content = randomBytes(16 * 2 ** 20);
  writeFileSync(join(pair.local, 'large'), content);
  const agent = started(pair);
  await eventually(() => {
    const [name] = temps(pair);
    expect(statSync(join(pair.remote, name!)).size).toBeGreaterThan(2 ** 20);
  });
  expect(await agent.stop('SIGINT')).toBe(0);
  // The same way to the server: another port would be another pair, with a state of its own.
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  expect(hash(readFileSync(join(pair.remote, 'large')))).toBe(hash(content));
  expect(temps(pair)).toEqual([]);
});

test('push that is interrupted ends with exit code 130', async () => {
  const sshd = await server();
  const [pair] = await proxied(sshd, { bytesPerSecond: 2 ** 20 });
  writeFileSync(join(pair.local, 'large'), randomBytes(32 * 2 ** 20));
  const child = spawn(process.execPath, [towlineFile, 'push', pair.local, pair.target, ...pair.flags]);
  await eventually(() => {
    expect(temps(pair)).toHaveLength(1);
  });
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([130, null]);
});

test('an agent that is killed leaves temps that the next one removes', async () => {
  const sshd = await server();
  const [pair] = await proxied(sshd, { bytesPerSecond: 2 * 2 ** 20 });
  writeFileSync(join(pair.local, 'large'), randomBytes(16 * 2 ** 20));
  const agent = watch(pair);
  await eventually(() => {
    expect(temps(pair)).toHaveLength(1);
  });
  await agent.stop('SIGKILL');
  sshd.killSessions();
  rmSync(join(pair.local, 'large'));
  writeFileSync(join(pair.local, 'other'), 'x');
  expect(await push(pair)).toMatchObject({ code: 0 });
  expect(readdirSync(pair.remote)).toEqual(['other']);
});
