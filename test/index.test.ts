import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createBwlimit, plan, type Progress, sync } from '../src/index.js';
import { codeOf } from './contract/side.js';
import { freshFolder } from './support/folder.js';
import { startSshd, type TestSshd } from './support/sshd.js';
import { freshPair, optionsOf } from './support/towline.js';
import { startApache } from './support/webdav-server.js';

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function fill(folder: string, ...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), name);
  }
}

describe('sync', () => {
  test('a push: what was done, in numbers', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, 'a', 'b/c');
    expect(await sync(optionsOf(pair))).toEqual({
      transferred: 2,
      skipped: 0,
      deleted: 0,
      conflicts: 0,
      failed: 0,
      bytesSent: 4,
      bytesReceived: 0,
      durationMs: expect.any(Number),
      problems: [],
      moved: 0,
      kept: 0,
      leftOut: 0,
      directories: 1,
      metadata: expect.any(Number),
      holds: [],
    });
    expect(readdirSync(pair.remote)).toEqual(['a', 'b']);
  });

  test.each([
    ['pull', ['far'], ['far', 'near']],
    ['two-way', ['far', 'near'], ['far', 'near']],
    ['push-backup', ['far', 'near'], ['far', 'near']],
    ['pull-backup', ['far'], ['far', 'near']],
  ] as const)('%s', async (mode, remote, local) => {
    const pair = freshPair(sshd);
    fill(pair.local, 'near');
    fill(pair.remote, 'far');
    expect(await sync(optionsOf(pair, { mode }))).toMatchObject({
      failed: 0,
      problems: [],
      bytesReceived: 3,
    });
    expect(readdirSync(pair.local)).toEqual(local);
    expect(readdirSync(pair.remote)).toEqual(remote);
  });

  test('single values do where lists may stand, and an include wins', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, 'a.log', 'b.log', 'c.tmp', 'd.bak', 'e');
    const rules = join(freshFolder(), 'rules');
    writeFileSync(rules, '*.bak\n');
    const wishes = {
      exclude: ['*.log', '*.tmp'],
      include: 'b.log',
      excludeFrom: rules,
      identityFiles: sshd.keyFile,
    };
    expect(await sync(optionsOf(pair, { ...wishes, maxDelete: 5 }))).toMatchObject({ failed: 0 });
    expect(readdirSync(pair.remote)).toEqual(['b.log', 'e']);
    const marker = join(freshFolder(), 'ran');
    await sync(optionsOf(pair, { exclude: 'e', afterSync: { command: `echo ran > '${marker}'` } }));
    expect(readFileSync(marker, 'utf8')).toBe('ran\n');
    expect(readdirSync(pair.remote)).toEqual(['a.log', 'b.log', 'c.tmp', 'd.bak', 'e']);
  });

  test('progress: each file from nothing to all, and the total to its end', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, 'small', 'folder/other');
    writeFileSync(join(pair.local, 'large'), randomBytes(5 * 2 ** 20));
    const steps: Progress[] = [];
    await sync(optionsOf(pair), { progress: (step) => steps.push(step) });
    const large = steps.filter(({ file }) => file.path === 'large').map(({ file }) => file.bytes);
    expect(large[0]).toBe(0);
    expect(large.at(-1)).toBe(5 * 2 ** 20);
    expect(large.length).toBeGreaterThan(4);
    expect(steps.every(({ file }) => file.action === 'upload')).toBe(true);
    const bytes = 5 * 2 ** 20 + 'small'.length + 'folder/other'.length;
    expect(steps.at(-1)!.total).toMatchObject({ files: 3, filesFound: 3, bytes, bytesFound: bytes });
  });

  test('a limit can be changed while it runs', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'large'), randomBytes(2 ** 21));
    // It would take more than half an hour.
    const bwlimit = createBwlimit(1);
    const progress = ({ file }: Progress) => {
      if (file.bytes > 0) bwlimit.set(null);
    };
    expect(await sync(optionsOf(pair, { bwlimit }), { progress })).toMatchObject({ bytesSent: 2 ** 21 });
  });

  test('concurrency: never more files at once', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, ...Array.from({ length: 20 }, (_, index) => `file${String(index)}`));
    const under = new Set<string>();
    let most = 0;
    await sync(optionsOf(pair, { concurrency: 2 }), {
      onEvent: (event) => {
        if (event.type === 'transfer-start') under.add(event.path);
        else if (event.type === 'transfer-end') under.delete(event.path);
        most = Math.max(most, under.size);
      },
    });
    expect(most).toBe(2);
    expect(readdirSync(pair.remote)).toHaveLength(20);
  });

  test('a signal ends it, before it began or while it works', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'large'), randomBytes(2 ** 20));
    expect(await codeOf(sync(optionsOf(pair), { signal: AbortSignal.abort() }))).toBe('interrupted');
    const stop = new AbortController();
    const progress = () => stop.abort();
    const cut = sync(optionsOf(pair, { bwlimit: 1 }), { signal: stop.signal, progress });
    expect(await codeOf(cut)).toBe('interrupted');
    expect(readdirSync(pair.remote)).toEqual([]);
  });

  test('over WebDAV, and between two folders of this machine', async () => {
    const server = await startApache();
    onTestFinished(() => server.stop());
    const pair = freshPair(sshd);
    fill(pair.local, 'a', 'b/c');
    const { local, stateDir } = pair;
    const steps: Progress[] = [];
    const progress = (step: Progress) => steps.push(step);
    const result = { transferred: 2, failed: 0, bytesSent: 4 };
    expect(await sync({ local, stateDir, remote: `${server.url}/app` }, { progress })).toMatchObject(result);
    expect(steps.at(-1)!.total).toMatchObject({ files: 2, bytes: 4 });
    const copy = join(freshFolder(), 'copy');
    expect(await sync({ local, stateDir, remote: copy })).toMatchObject(result);
    expect(readFileSync(join(copy, 'b/c'), 'utf8')).toBe('b/c');
  });
});

describe('plan', () => {
  test('says what would be done, with its sums, and changes nothing', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, 'a', 'b/c');
    fill(pair.remote, 'theirs');
    const planned = await plan(optionsOf(pair, { delete: true }));
    expect(planned).toMatchObject({ transferred: 2, directories: 1, deleted: 1, bytesSent: 4 });
    expect(planned.actions.map(({ action, path, bytes }) => [action, path, bytes])).toEqual([
      ['upload', 'a', 1],
      ['make-directory', 'b', 0],
      ['upload', 'b/c', 3],
      ['delete-remote', 'theirs', 0],
    ]);
    expect(readdirSync(pair.remote)).toEqual(['theirs']);
  });

  test('who listens may do without the list', async () => {
    const pair = freshPair(sshd);
    fill(pair.local, 'a');
    const heard: string[] = [];
    const onEvent = (event: { readonly type: string }) => heard.push(event.type);
    expect(await plan(optionsOf(pair), { collect: false, onEvent })).toMatchObject({
      actions: [],
      transferred: 1,
    });
    expect(heard).toContain('planned');
  });
});
