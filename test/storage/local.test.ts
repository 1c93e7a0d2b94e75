import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { asideOf } from '../../src/core/tempname.js';
import { canHoldPlaces, placeOf } from '../../src/storage/local/place.js';
import { createLocalStorage } from '../../src/storage/local/storage.js';
import { rawFolder } from '../contract/raw-folder.js';
import type { InPlaceStorage } from '../../src/ports-in-place.js';
import { codeOf, completeTemp, entryAt, scanAll, tempOf, type MakeSide } from '../contract/side.js';
import { inPlaceContract, storageContract } from '../contract/storage-contract.js';
import { freshFolder } from '../support/folder.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

function side(handles: boolean): MakeSide<InPlaceStorage> {
  return (state) => {
    const folder = freshFolder('local');
    const root = { present: folder, missing: join(folder, 'root'), far: join(folder, 'not', 'there') }[state];
    const storage = createLocalStorage({ root, writable: true, handles });
    const unlistable = isRoot ? undefined : (absolute: string) => fs.promises.chmod(absolute, 0);
    return Promise.resolve({ storage, raw: rawFolder(root, unlistable), dispose: () => Promise.resolve() });
  };
}

storageContract('the local storage', side(canHoldPlaces));
storageContract('the local storage without handles on directories', side(false));
inPlaceContract('the local storage', side(canHoldPlaces));

/** Lets a plain Node run our TypeScript: it strips the types itself, but looks for the names that imports give. */
const sourceHooks = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve: (name, context, next) => next(name.startsWith('.') ? name.replace(/[.]js$/, '.ts') : name, context),
  });
`)}`;

const adapter = new URL('../../src/storage/local/storage.ts', import.meta.url).href;

/** What a user without root's privileges gets; this process may be root, so another one asks. */
const asking = (root: string) => `
  const { createLocalStorage } = await import(${JSON.stringify(adapter)});
  const storage = createLocalStorage({ root: ${JSON.stringify(root)}, writable: true });
  const code = (work) => work.then(() => 'none', (error) => error.code);
  const items = [];
  for await (const batch of storage.scan({ under: '', excludes: () => false })) items.push(...batch);
  const [seen] = await storage.observe(['closed/inner/x']);
  console.log(JSON.stringify({
    items: items.map((item) => [item.type, item.path, item.error?.code ?? null]),
    hint: items.find((item) => item.type === 'failure').error.message,
    observe: seen.code,
    source: await code(storage.openSource('secret')),
    temp: await code(storage.createTemp('sealed/new', '.towline-a-b.tmp')),
    directory: await code(storage.makeDirectory('sealed/new', 0o755)),
    remove: await code(storage.remove('sealed/x', { kind: 'file', size: 1, mtimeMs: 0, mode: 0o644 })),
  }));
`;

test('what the system refuses is `permission`, and the rest of the tree is complete', async () => {
  const root = freshFolder('refused');
  const raw = rawFolder(root);
  for (const path of ['a', 'closed/inner/x', 'secret', 'sealed/x', 'z'])
    await raw.write(path, 'x', { mtimeMs: 0 });
  fs.chmodSync(join(root, 'secret'), 0);
  fs.chmodSync(join(root, 'sealed'), 0o555);
  fs.chmodSync(join(root, 'closed'), 0);
  const node = [
    process.execPath,
    '--no-warnings',
    '--import',
    sourceHooks,
    '--input-type=module',
    '-e',
    asking(root),
  ];
  const drop = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
  const [command = '', ...rest] = isRoot ? [...drop, ...node] : node;
  const { stdout } = await run(command, rest, { cwd: fileURLToPath(new URL('../..', import.meta.url)) });
  fs.chmodSync(join(root, 'closed'), 0o755);
  expect(JSON.parse(stdout)).toEqual({
    items: [
      ['entry', 'a', null],
      ['entry', 'closed', null],
      ['failure', 'closed', 'permission'],
      ['entry', 'sealed', null],
      ['entry', 'sealed/x', null],
      ['entry', 'secret', null],
      ['entry', 'z', null],
    ],
    hint: `cannot list ${root}/closed: permission denied (EACCES). Give this user the permission, or exclude the path`,
    observe: 'permission',
    source: 'permission',
    temp: 'permission',
    directory: 'permission',
    remove: 'permission',
  });
});

test.skipIf(process.platform !== 'linux')(
  'names that are not UTF-8 are skipped, told, and not entered',
  async () => {
    const root = freshFolder('bytes');
    const bytes = (name: string) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);
    fs.writeFileSync(bytes('caf\xe9'), 'x');
    fs.mkdirSync(bytes('folder\xff'));
    fs.writeFileSync(bytes('folder\xff/x'), 'x');
    fs.writeFileSync(join(root, 'good'), 'x');
    fs.symlinkSync(Buffer.from('to\xff', 'latin1'), join(root, 'link'));
    const items = await scanAll(createLocalStorage({ root }));
    expect(items).toMatchObject([
      { type: 'skipped', path: 'caf\ufffd', reason: 'name', error: { code: 'name' } },
      { type: 'skipped', path: 'folder\ufffd', reason: 'name', error: { code: 'name' } },
      { type: 'entry', path: 'good' },
      { type: 'skipped', path: 'link', reason: 'name', error: { code: 'name' } },
    ]);
    expect(items).toHaveLength(4);
  },
);

test('a side that is only read refuses every change', async () => {
  const root = freshFolder('source');
  fs.writeFileSync(join(root, 'file'), 'x');
  const storage = createLocalStorage({ root });
  const entry = await entryAt(storage, 'file');
  const changes = [
    storage.ensureRoot({ parents: true }),
    storage.createTemp('new', tempOf(1)),
    storage.makeDirectory('new', 0o755),
    storage.makeSymlink('new', { target: 'file', mtimeMs: 0 }, tempOf(1), null),
    storage.setMetadata('file', entry, { mode: 0o600 }),
    storage.remove('file', entry),
    storage.removeTemps([tempOf(1)]),
  ];
  expect(new Set(await Promise.all(changes.map(codeOf)))).toEqual(new Set(['unsupported']));
  expect(fs.readdirSync(root)).toEqual(['file']);
  expect(await entryAt(storage, 'file')).toEqual(entry);
});

test('what is saved, or removed, in the very moment before a rename is not lost', async () => {
  const root = freshFolder('saved');
  const storage = createLocalStorage({ root, writable: true });
  for (const meanwhile of ['saved', 'removed']) {
    fs.writeFileSync(join(root, 'file'), 'old');
    const expected = await entryAt(storage, 'file');
    const { temp } = await completeTemp(storage, 'file', 'ours');
    if (meanwhile === 'saved') fs.writeFileSync(join(root, 'file'), 'saved by somebody');
    else fs.rmSync(join(root, 'file'));
    expect(await codeOf(temp.publish(expected))).toBe('changed');
    expect(await temp.discard()).toBe(true);
    if (meanwhile === 'saved') expect(fs.readFileSync(join(root, 'file'), 'utf8')).toBe('saved by somebody');
    else expect(fs.readdirSync(root)).toEqual([]);
  }
});

test('a mere chmod of a source is noticed', async () => {
  const root = freshFolder('source');
  fs.writeFileSync(join(root, 'file'), 'x');
  const source = await createLocalStorage({ root }).openSource('file');
  expect(await source.check()).toBe('same');
  fs.chmodSync(join(root, 'file'), 0o600);
  expect(await source.check()).toBe('changed');
  await source.close();
});

test('a source that was replaced by a longer file has not grown', async () => {
  const root = freshFolder('source');
  fs.writeFileSync(join(root, 'file'), 'x');
  const source = await createLocalStorage({ root }).openSource('file');
  fs.writeFileSync(join(root, 'other'), 'longer');
  fs.renameSync(join(root, 'other'), join(root, 'file'));
  expect(await source.check()).toBe('changed');
  await source.close();
});

test('times before 1970 and fractions of a millisecond are kept', async () => {
  const root = freshFolder('times');
  const storage = createLocalStorage({ root, writable: true });
  for (const mtimeMs of [-86_400_000, 1_600_000_000_123.456]) {
    const { temp } = await completeTemp(storage, 'file', 'x', { mtimeMs });
    await temp.publish(await entryAt(storage, 'file').catch(() => null));
    expect((await entryAt(storage, 'file')).mtimeMs).toBeCloseTo(mtimeMs, 2);
  }
});

test('a root that is a symlink is used, one that is a file is not', async () => {
  const folder = freshFolder('roots');
  fs.mkdirSync(join(folder, 'real'));
  fs.writeFileSync(join(folder, 'file'), 'x');
  fs.symlinkSync('real', join(folder, 'link'));
  const linked = createLocalStorage({ root: join(folder, 'link'), writable: true });
  await linked.ensureRoot({ parents: false });
  await linked.makeDirectory('made', 0o755);
  expect((await scanAll(linked)).map((item) => item.path)).toEqual(['made']);
  expect((await entryAt(linked, '')).kind).toBe('directory');
  const file = createLocalStorage({ root: join(folder, 'file'), writable: true });
  expect(await codeOf(file.ensureRoot({ parents: true }))).toBe('exists');
  expect(await codeOf(scanAll(file))).toBe('not-found');
});

test.skipIf(!canHoldPlaces)('a symlink planted after the check is not followed', () => {
  const root = freshFolder('swap');
  fs.mkdirSync(join(root, 'folder'));
  fs.mkdirSync(join(root, 'outside'));
  const place = placeOf({ path: root, handles: true }, 'folder/new');
  fs.renameSync(join(root, 'folder'), join(root, 'moved'));
  fs.symlinkSync('outside', join(root, 'folder'));
  fs.writeFileSync(place.at, 'x');
  place.close();
  expect(fs.readdirSync(join(root, 'outside'))).toEqual([]);
  expect(fs.readdirSync(join(root, 'moved'))).toEqual(['new']);
});

test('a name that is too long for the file system is `name`', async () => {
  const storage = createLocalStorage({ root: freshFolder('long'), writable: true });
  expect(await codeOf(storage.makeDirectory('n'.repeat(256), 0o755))).toBe('name');
  expect(await storage.observe(['n'.repeat(256)])).toMatchObject([{ code: 'name' }]);
  // Before anything is fetched, though the temp could be made.
  expect(await codeOf(storage.createTemp('n'.repeat(256), tempOf(1)))).toBe('name');
});

test('a scan that is told how the other side spells names yields them so, in that order', async () => {
  const root = freshFolder('spelled');
  for (const name of ['b', 'readme', 'zebra']) fs.writeFileSync(join(root, name), name);
  const asked: [string, readonly string[]][] = [];
  const spelling = (directory: string, names: readonly string[]) => {
    asked.push([directory, names]);
    return Promise.resolve(new Map([['readme', 'README']]));
  };
  const items = await scanAll(createLocalStorage({ root }), { spelling });
  expect(asked).toEqual([['', ['b', 'readme', 'zebra']]]);
  expect(items.map((item) => [item.path, item.type === 'entry' && item.entry.spelling])).toEqual([
    ['README', 'readme'],
    ['b', undefined],
    ['zebra', undefined],
  ]);
});

test('a name gets another spelling; an aside gives back what is in it', async () => {
  const root = freshFolder('respelled');
  fs.mkdirSync(join(root, 'name'));
  fs.writeFileSync(join(root, 'name/in'), 'content');
  const storage = createLocalStorage({ root, writable: true });
  await storage.respell!('NAME', 'name', tempOf(1));
  expect(fs.readdirSync(root)).toEqual(['NAME']);
  const aside = join(root, asideOf(tempOf(1)));
  fs.mkdirSync(aside);
  for (const name of ['lost', 'NAME']) fs.writeFileSync(join(aside, name), 'waiting');
  expect((await scanAll(storage)).map(({ type, path }) => `${type} ${path}`)).toEqual([
    `temp ${tempOf(1)}`,
    'entry NAME',
    'entry NAME/in',
  ]);
  expect(await storage.removeTemps([tempOf(1)])).toEqual([tempOf(1)]);
  expect(fs.readdirSync(root).sort()).toEqual(['NAME', 'lost']);
  expect(fs.readFileSync(join(root, 'NAME/in'), 'utf8')).toBe('content');
});
