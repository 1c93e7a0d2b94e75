import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, type Watching, freshPair, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** A watch that says it is ready, and ends with the test. */
async function watching(pair: TestPair, flags: readonly string[] = []): Promise<Watching> {
  const agent = watch(pair, flags);
  onTestFinished(async () => {
    await agent.stop();
  });
  await agent.ready();
  return agent;
}

function converged(pair: TestPair): Promise<void> {
  return eventually(() => {
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  });
}

describe('saves of all kinds', () => {
  let pair: TestPair;
  const at = (path: string) => join(pair.local, path);

  beforeAll(() => {
    pair = freshPair(sshd);
    mkdirSync(at('src/deep/er'), { recursive: true });
    for (const name of ['a.txt', 'b.txt', 'src/c.txt', 'src/deep/d.txt', 'src/deep/er/e.txt']) {
      writeFileSync(at(name), `${name}\n`);
    }
  });

  test.each<readonly [string, () => void]>([
    ['write', () => writeFileSync(at('a.txt'), 'written\n')],
    ['append', () => writeFileSync(at('a.txt'), 'more\n', { flag: 'a' })],
    ['new file', () => writeFileSync(at('new.txt'), 'new\n')],
    ['sed -i', () => execFileSync('sed', ['-i', 's/b/B/', at('b.txt')])],
    [
      'temp and rename',
      () => {
        writeFileSync(at('src/.c.tmp'), 'atomic\n');
        renameSync(at('src/.c.tmp'), at('src/c.txt'));
      },
    ],
    [
      'truncate, then write',
      () => {
        writeFileSync(at('a.txt'), '');
        writeFileSync(at('a.txt'), 'after truncation\n');
      },
    ],
    ['vim', () => execFileSync('sh', ['-c', `${vim()} -es -u NONE -c 's/^/vim /' -c 'wq' '${at('b.txt')}'`])],
    ['chmod', () => execFileSync('chmod', ['750', at('src/c.txt')])],
    ['touch', () => execFileSync('touch', ['-d', '2020-01-02 03:04:05', at('src/deep/d.txt')])],
    ['cp -r of a folder', () => cpSync(at('src'), at('copy'), { recursive: true })],
    ['mv of a folder', () => renameSync(at('copy'), at('moved'))],
    ['new symlink', () => symlinkSync('a.txt', at('link'))],
    ['mkdir', () => mkdirSync(at('empty'))],
    ['rm -r of a folder', () => rmSync(at('moved'), { recursive: true })],
    [
      'file → folder',
      () => {
        rmSync(at('new.txt'));
        mkdirSync(at('new.txt'));
        writeFileSync(at('new.txt/inside'), 'x');
      },
    ],
    [
      'folder → link',
      () => {
        rmSync(at('new.txt'), { recursive: true });
        symlinkSync('src', at('new.txt'));
      },
    ],
    [
      'link → file',
      () => {
        rmSync(at('new.txt'));
        writeFileSync(at('new.txt'), 'file again');
      },
    ],
    ['rm', () => rmSync(at('a.txt'))],
  ])('%s', async (_, change) => {
    agent ??= await started();
    change();
    await converged(pair);
  });

  let agent: Watching | undefined;
  async function started(): Promise<Watching> {
    const one = watch(pair, ['--delete', '--max-delete', '100%']);
    await one.ready();
    return one;
  }

  test('afterwards it ends cleanly and leaves no temp', async () => {
    expect(await agent!.stop()).toBe(0);
    expect(
      readdirSync(pair.remote, { recursive: true }).filter((name) => String(name).includes('.towline')),
    ).toEqual([]);
  });

  afterAll(async () => {
    await agent?.stop('SIGKILL');
  });
});

function vim(): string {
  return existsSync('/usr/bin/vim') ? 'vim' : 'vim.tiny';
}

test('git checkout between distant commits converges', async () => {
  const pair = freshPair(sshd);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: pair.local,
    });
  git('init', '-q', '-b', 'master');
  const commit = (round: number) => {
    for (let index = 0; index < 400; index++) {
      const folder = join(pair.local, `p${String((index * (round + 1)) % 17)}`, `q${String(index % 5)}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, `f${String(index)}.c`),
        `round ${String(round)} file ${String(index)}\n`.repeat(index % 50),
      );
    }
    git('add', '-A');
    git('commit', '-qm', `round ${String(round)}`);
  };
  commit(0);
  for (const name of readdirSync(pair.local))
    if (name !== '.git') rmSync(join(pair.local, name), { recursive: true });
  commit(1);
  const agent = await watching(pair, ['--delete', '--max-delete', '100%']);
  for (const commitName of ['HEAD~1', 'HEAD', 'HEAD~1']) {
    git('checkout', '-q', commitName.startsWith('HEAD~') ? 'master~1' : 'master');
    await eventually(() => {
      const synced = Object.entries(treeOf(pair.local)).filter(([path]) => !`${path}/`.startsWith('.git/'));
      expect(treeOf(pair.remote)).toEqual(Object.fromEntries(synced));
    });
  }
  expect(agent.lines.filter(({ event }) => event === 'problem')).toEqual([]);
});

test('without --delete a removed file stays, and is reported as kept', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'x');
  const agent = await watching(pair);
  rmSync(join(pair.local, 'a'));
  await agent.line(({ event, kept }) => event === 'batch' && kept === 1);
  expect(existsSync(join(pair.remote, 'a'))).toBe(true);
});

describe('with --delete, a source that is lost deletes nothing', () => {
  function grown(): TestPair {
    const pair = freshPair(sshd);
    mkdirSync(join(pair.local, 'sub'));
    for (let index = 0; index < 30; index++) writeFileSync(join(pair.local, 'sub', `f${String(index)}`), 'x');
    return pair;
  }
  const held = ({ event, msg }: { event?: string; msg?: string }) =>
    event === 'holds' && msg === 'deletions held back';

  test('emptied', async () => {
    const pair = grown();
    const before = treeOf(pair.local);
    const agent = await watching(pair, ['--delete']);
    renameSync(join(pair.local, 'sub'), `${pair.local}-sub`);
    await agent.line(held);
    expect(treeOf(pair.remote)).toEqual(before);
    renameSync(`${pair.local}-sub`, join(pair.local, 'sub'));
    await agent.line(({ event, msg }) => event === 'holds' && msg === 'deletions go on');
    writeFileSync(join(pair.local, 'sub', 'f1'), 'edited');
    await converged(pair);
  });

  test('moved away and back', async () => {
    const pair = grown();
    const before = treeOf(pair.local);
    const agent = await watching(pair, ['--delete']);
    renameSync(pair.local, `${pair.local}-away`);
    await agent.line(held);
    expect(treeOf(pair.remote)).toEqual(before);
    renameSync(`${pair.local}-away`, pair.local);
    await agent.line(({ event, msg }) => event === 'holds' && msg === 'deletions go on');
    writeFileSync(join(pair.local, 'sub', 'f1'), 'edited');
    await converged(pair);
  });

  test('unmounted and mounted again', async ({ skip }) => {
    const pair = freshPair(sshd);
    const mount = () => execFileSync('mount', ['-t', 'tmpfs', 'none', pair.local], { stdio: 'pipe' });
    try {
      mount();
    } catch {
      skip('this machine lets nobody mount');
    }
    onTestFinished(() => {
      execFileSync('sh', ['-c', `umount -l '${pair.local}' 2>/dev/null || true`]);
    });
    for (let index = 0; index < 5; index++) writeFileSync(join(pair.local, `f${String(index)}`), 'x');
    const before = treeOf(pair.local);
    const agent = await watching(pair, ['--delete', '--rescan-minutes', '0.05']);
    execFileSync('umount', ['-l', pair.local]);
    await agent.line(held);
    expect(treeOf(pair.remote)).toEqual(before);
    mount();
    writeFileSync(join(pair.local, 'f1'), 'edited');
    for (const name of ['f0', 'f2', 'f3', 'f4']) writeFileSync(join(pair.local, name), 'x');
    await converged(pair);
  });
});

test('a slow deletion of most of the tree is held as a fast one is, whatever the batches', async () => {
  const pair = freshPair(sshd);
  for (let index = 0; index < 60; index++) writeFileSync(join(pair.local, `f${String(index)}`), 'x');
  const agent = await watching(pair, ['--delete', '--max-delete', '10']);
  // One at a time, each with its own event: they settle in several batches.
  for (let index = 0; index < 40; index++) {
    rmSync(join(pair.local, `f${String(index)}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await agent.line(({ event, msg }) => event === 'holds' && msg === 'deletions held back');
  rmSync(join(pair.local, 'f59'));
  await agent.line(({ event, held }) => event === 'batch' && Number(held) > 0);
  expect(readdirSync(pair.remote).length).toBeGreaterThanOrEqual(50);
});

test('rules that change are followed at once', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, '.towlineignore'), '*.log\n');
  writeFileSync(join(pair.local, 'a.log'), 'x');
  writeFileSync(join(pair.local, 'a.txt'), 'x');
  await watching(pair);
  expect(readdirSync(pair.remote)).toEqual(['a.txt']);
  writeFileSync(join(pair.local, '.towlineignore'), '*.txt\n');
  await eventually(() => {
    expect(readdirSync(pair.remote).sort()).toEqual(['a.log', 'a.txt']);
  });
});

test('a second agent on the pair is refused', async () => {
  const pair = freshPair(sshd);
  const agent = await watching(pair);
  const second = watch(pair);
  expect(await second.ended).toBe(1);
  expect(JSON.stringify(second.lines)).toContain(String(agent.pid));
});

test('saves arrive whole: a reader never sees half of one', async () => {
  const pair = freshPair(sshd);
  const file = join(pair.local, 'page');
  const text = (round: number) => `${String(round).padStart(6)}\n`.repeat(30_000);
  writeFileSync(file, text(0));
  const agent = await watching(pair, ['--settle-ms', '0']);
  for (let round = 1; round <= 20; round++) {
    writeFileSync(`${file}.new`, text(round));
    renameSync(`${file}.new`, file);
    await eventually(() => {
      const seen = readFileSync(join(pair.remote, 'page'), 'utf8');
      expect(seen).toBe(text(Number(seen.slice(0, 6))));
      expect(Number(seen.slice(0, 6))).toBe(round);
    });
  }
  expect(agent.lines.filter(({ event }) => event === 'problem')).toEqual([]);
});
