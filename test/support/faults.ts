import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { eventually } from './eventually.js';
import { type SshdOptions, type TestSshd, startSshd } from './sshd.js';
import { type RunOptions, type TestPair, type Watching, watch } from './towline.js';
import { treeOf } from './tree.js';

/** A server of its own for one test. */
export async function server(options: SshdOptions = {}): Promise<TestSshd> {
  const sshd = await startSshd(options);
  onTestFinished(() => sshd.stop());
  return sshd;
}

/** An agent that ends with the test, frozen or not. */
export function started(pair: TestPair, flags: readonly string[] = [], options: RunOptions = {}): Watching {
  const agent = watch(pair, flags, options);
  onTestFinished(async () => {
    agent.process.kill('SIGCONT');
    await agent.stop();
  });
  return agent;
}

/** `count` files of up to `bytesMax` random bytes, spread over twenty folders. */
export function grow(root: string, count: number, bytesMax: number): void {
  for (let index = 0; index < count; index++) {
    const folder = join(root, `d${String(index % 20)}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${String(index)}`), randomBytes(1 + ((index * 7919) % bytesMax)));
  }
}

/** All paths of the remote folder. */
export function arrived(pair: TestPair): string[] {
  return readdirSync(pair.remote, { recursive: true, encoding: 'utf8' });
}

/** What is ours on the remote side and no user's file. */
export function temps(pair: TestPair): string[] {
  return arrived(pair).filter((name) => name.includes('.towline'));
}

/** Both sides are equal in the end, and nothing of ours is left. */
export async function converged(pair: TestPair, limitMs = 40_000): Promise<void> {
  await eventually(() => {
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  }, limitMs);
  await eventually(() => {
    expect(temps(pair)).toEqual([]);
  });
}

/** The state folder of the only pair below `stateDir`. */
export function stateFolderOf(pair: TestPair): string {
  const [folder] = readdirSync(pair.stateDir, { withFileTypes: true }).filter((item) => item.isDirectory());
  if (folder === undefined) throw new Error(`${pair.stateDir} holds no state yet`);
  return join(pair.stateDir, folder.name);
}

/** Makes `folder` a volume of its own until the end of the test; false where this machine lets nobody mount. */
export function mountVolume(folder: string, mebibytes: number): boolean {
  mkdirSync(folder, { recursive: true });
  const size = `size=${String(mebibytes)}m`;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'towline-test', folder], { stdio: 'ignore' });
  } catch {
    // Not root, not Linux, or a container that may not mount: the caller skips, visibly.
    return false;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return true;
}

/** Takes all the space of a volume but `leaveBytes`; returns the file to remove. */
export function fillVolume(folder: string, leaveBytes = 0): string {
  const filler = join(folder, `filler-${String(leaveBytes)}`);
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
  return filler;
}
