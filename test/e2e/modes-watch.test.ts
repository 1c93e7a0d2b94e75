/** Every mode while watching, with edits on both sides between two looks: it ends as the table of docs/modes.md says. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Mode } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { save } from '../support/save.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, type TestPair, towline, watch } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

type Texts = Readonly<Record<string, string>>;

/** Names and texts of the files; a copy kept of a conflict goes by the name `NAME kept`. */
function textsIn(root: string): Texts {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const shown = join(parentPath, name).slice(root.length + 1);
      return [shown.replace(/\.conflict-\w+-\w+$/, ' kept'), readFileSync(join(parentPath, name), 'utf8')];
    }),
  );
}

const agreedOn = [
  'same',
  'here',
  'there',
  'both',
  'gone-here',
  'gone-there',
  'd/gone-edited',
  'd/edited-gone',
];

/** Both sides change at once: all but the last two in `both` are one side's doing. */
function editBothSides({ local, remote }: TestPair): void {
  for (const name of ['here', 'both', 'd/edited-gone', 'new-here']) save(local, name, `edited here: ${name}`);
  for (const name of ['there', 'both', 'd/gone-edited', 'new-there'])
    save(remote, name, `edited there, ${name}`);
  for (const name of ['gone-here', 'd/gone-edited']) rmSync(join(local, name));
  for (const name of ['gone-there', 'd/edited-gone']) rmSync(join(remote, name));
}

const base = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `agreed ${name}`]));
const here = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `edited here: ${name}`]));
const there = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, `edited there, ${name}`]));
const kept = { 'both kept': 'edited here: both' };

const all = ['--max-delete', '100%'];

const table: Record<Mode, { flags?: string[]; local: Texts; remote: Texts }> = (() => {
  const pushed = {
    ...base('same', 'there', 'gone-there'),
    ...here('here', 'both', 'd/edited-gone', 'new-here'),
  };
  const pulled = {
    ...base('same', 'here', 'gone-here'),
    ...there('there', 'both', 'd/gone-edited', 'new-there'),
  };
  const edits = {
    ...here('here', 'd/edited-gone', 'new-here'),
    ...there('there', 'both', 'd/gone-edited', 'new-there'),
    ...kept,
  };
  const asLeft = {
    ...base('same', 'here', 'gone-here'),
    ...there('there', 'both', 'd/gone-edited', 'new-there'),
  };
  return {
    push: { flags: ['--delete', ...all], local: pushed, remote: pushed },
    pull: { flags: ['--delete', ...all], local: pulled, remote: pulled },
    'two-way': {
      flags: all,
      local: { ...base('same'), ...edits },
      remote: { ...base('same'), ...edits },
    },
    'push-backup': {
      local: { ...base('same', 'gone-there'), ...edits },
      remote: { ...base('same', 'gone-here'), ...edits },
    },
    'pull-backup': { local: { ...base('same', 'gone-there'), ...edits }, remote: asLeft },
  };
})();

function command(pair: TestPair, name: string) {
  return towline([name, pair.local, pair.target, ...pair.flags]);
}

test.each(Object.keys(table) as Mode[])('%s', async (mode) => {
  const { flags = [], local, remote } = table[mode];
  const pair = freshPair(sshd);
  for (const [index, name] of agreedOn.entries()) {
    for (const root of [pair.local, pair.remote]) save(root, name, `agreed ${name}`, 1_600_000_000 + index);
  }
  const soon = mode === 'push' ? [] : ['--remote-poll-seconds', '1'];
  const agent = watch(pair, ['--mode', mode, ...soon, ...flags]);
  onTestFinished(async () => {
    await agent.stop();
  });
  await agent.ready();

  expect(await command(pair, 'pause')).toMatchObject({ code: 0 });
  editBothSides(pair);
  expect(await command(pair, 'resume')).toMatchObject({ code: 0 });
  expect(await command(pair, 'rescan')).toMatchObject({ code: 0 });
  await eventually(() =>
    expect({ local: textsIn(pair.local), remote: textsIn(pair.remote) }).toEqual({ local, remote }),
  );
  expect(await agent.stop()).toBe(0);
  // And it is at rest: the one-shot command finds nothing to do.
  const verb = mode === 'two-way' ? 'sync' : mode.startsWith('pull') ? 'pull' : 'push';
  const again = await towline([
    verb,
    ...pair.flags,
    '--mode',
    mode,
    ...flags,
    '--json',
    pair.local,
    pair.target,
  ]);
  expect(JSON.parse(again.stdout)).toMatchObject({
    transferred: 0,
    deleted: 0,
    moved: 0,
    failed: 0,
    conflicts: 0,
  });
});

test('two-way: names that only differ in case are renamed on both sides, while watching', async () => {
  const pair = freshPair(sshd);
  save(pair.local, 'readme.md', 'text');
  save(pair.local, 'docs/a', 'a');
  const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '1']);
  onTestFinished(async () => {
    await agent.stop();
  });
  await agent.ready();
  renameSync(join(pair.local, 'readme.md'), join(pair.local, 'README.md'));
  await eventually(() => expect(Object.keys(textsIn(pair.remote)).sort()).toEqual(['README.md', 'docs/a']));
  renameSync(join(pair.remote, 'docs'), join(pair.remote, 'Docs'));
  await eventually(() => expect(Object.keys(textsIn(pair.local)).sort()).toEqual(['Docs/a', 'README.md']));
  await eventually(() => expect(existsSync(join(pair.local, 'docs'))).toBe(false));
  expect(await agent.stop()).toBe(0);
  expect(textsIn(pair.remote)).toEqual(textsIn(pair.local));
});
