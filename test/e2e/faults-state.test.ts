/** The state itself fails: a corrupt database, a folder that cannot be written, a full volume. */
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import {
  converged,
  fillVolume,
  grow,
  mountVolume,
  server,
  started,
  stateFolderOf,
} from '../support/faults.js';
import { type TestPair, freshPair, push, towline } from '../support/towline.js';

/** Writes over the head of the database; returns what the file holds now. */
function spoil(pair: TestPair): Buffer {
  const file = join(stateFolderOf(pair), 'state.sqlite');
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
  closeSync(opened);
  return readFileSync(file);
}

function setAside(pair: TestPair): string[] {
  return readdirSync(stateFolderOf(pair)).filter((name) => /^state\.sqlite\.corrupt-[^-]*$/.test(name));
}

/** A pair in step, whose state was then spoiled, with two local deletions and one edit since. */
async function spoiled(): Promise<{ pair: TestPair; content: Buffer }> {
  const pair = freshPair(await server());
  grow(pair.local, 60, 500);
  expect(await push(pair)).toMatchObject({ code: 0 });
  rmSync(join(pair.local, 'd1', 'f1'));
  rmSync(join(pair.local, 'd2'), { recursive: true });
  writeFileSync(join(pair.local, 'd3', 'f3'), 'edited');
  return { pair, content: spoil(pair) };
}

function expectNothingDeleted(pair: TestPair): void {
  expect(existsSync(join(pair.remote, 'd1', 'f1'))).toBe(true);
  expect(readdirSync(join(pair.remote, 'd2'))).toHaveLength(3);
  expect(readFileSync(join(pair.remote, 'd3', 'f3'), 'utf8')).toBe('edited');
}

test('a corrupt state is kept aside and built anew; push deletes nothing and says so by its exit code', async () => {
  const { pair, content } = await spoiled();
  const first = await push(pair, ['--delete', '--max-delete', '100%']);
  expect(first).toMatchObject({ code: 5, failed: 0, deleted: 0, transferred: 1 });
  expect(first.holds[0]?.message).toMatch(/nothing is deleted until/);
  expectNothingDeleted(pair);
  const [aside, ...more] = setAside(pair);
  expect(more).toEqual([]);
  expect(readFileSync(join(stateFolderOf(pair), aside!)).equals(content)).toBe(true);
  // Running it again is no consent.
  expect(await push(pair, ['--delete'])).toMatchObject({ code: 5, deleted: 0, transferred: 0 });
  expectNothingDeleted(pair);
});

test('a corrupt state under watch: deletions are held until they are allowed', async () => {
  const { pair } = await spoiled();
  const agent = started(pair, ['--delete']);
  await agent.line(({ event, msg }) => event === 'holds' && msg === 'deletions held back');
  await agent.ready();
  writeFileSync(join(pair.local, 'd4', 'f4'), 'goes on');
  await eventually(() => {
    expect(readFileSync(join(pair.remote, 'd4', 'f4'), 'utf8')).toBe('goes on');
  });
  expectNothingDeleted(pair);
  const resumed = await towline(['resume', '--allow-deletes', pair.local, pair.target, ...pair.flags]);
  expect(resumed).toMatchObject({ code: 0, stderr: '' });
  await converged(pair);
});

test('a corrupt state under an agent that is killed and started again still holds deletions', async () => {
  const { pair } = await spoiled();
  const agent = started(pair, ['--delete']);
  await agent.line(({ event, msg }) => event === 'holds' && msg === 'deletions held back');
  await agent.ready();
  await agent.stop('SIGKILL');
  const next = started(pair, ['--delete']);
  await next.line(({ event, msg }) => event === 'holds' && msg === 'deletions held back');
  await next.ready();
  expectNothingDeleted(pair);
});

test('a state folder that cannot be written is an error that names it', async ({ skip }) => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !existsSync('/usr/bin/setpriv')) skip('as root this needs setpriv');
  const wrap = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
  const pair = freshPair(await server());
  writeFileSync(join(pair.local, 'a'), 'one');
  expect(await push(pair)).toMatchObject({ code: 0 });
  writeFileSync(join(pair.local, 'a'), 'the second');
  const folder = stateFolderOf(pair);
  chmodSync(folder, 0o500);
  const refused = await towline(['push', pair.local, pair.target, ...pair.flags], { wrap });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(folder);
  expect(refused.stderr).toMatch(/cannot be written/);
  expect(readFileSync(join(pair.remote, 'a'), 'utf8')).toBe('one');
  chmodSync(folder, 0o700);
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 1 });
});

test('a full volume of the state is an error that names it; with room again the same agent goes on', async ({
  skip,
}) => {
  const pair = freshPair(await server());
  if (!mountVolume(pair.stateDir, 64)) skip('this machine lets nobody mount');
  grow(pair.local, 20, 500);
  const agent = started(pair);
  await agent.ready();
  const filler = fillVolume(pair.stateDir);
  // Long names: the database has some room of its own.
  grow(join(pair.local, 'x'.repeat(200)), 2000, 50);
  const said = await agent.line(({ error }) => String(error).includes(stateFolderOf(pair)));
  expect(said.error).toMatch(/disk is full/);
  rmSync(filler);
  await converged(pair);
});

test('a start on a full volume of the state is refused by its name; with room again it goes on', async ({
  skip,
}) => {
  const pair = freshPair(await server());
  if (!mountVolume(pair.stateDir, 16)) skip('this machine lets nobody mount');
  grow(pair.local, 20, 500);
  expect(await push(pair)).toMatchObject({ code: 0 });
  const filler = fillVolume(pair.stateDir);
  grow(join(pair.local, 'more'), 200, 500);
  const refused = await towline(['push', pair.local, pair.target, ...pair.flags]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(stateFolderOf(pair));
  expect(refused.stderr).toMatch(/disk is full/);
  rmSync(filler);
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  await converged(pair);
});
