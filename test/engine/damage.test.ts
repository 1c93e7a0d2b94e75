/** What arrives damaged twice, with `verify: checksum`: it is sent again until it is what was sent. */
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { Settings } from '../../src/engine/context.js';
import { MemoryPair } from './memory-pair.js';

/** From now on (or no more) the server's memory flips a bit of all it is sent. */
function damaging(pair: MemoryPair): (damages: boolean) => void {
  const createTemp = pair.remote.createTemp.bind(pair.remote);
  let isDamaging = true;
  Object.assign(pair.remote, {
    createTemp: async (...given: Parameters<typeof createTemp>) => {
      const temp = await createTemp(...given);
      const write = temp.write.bind(temp);
      temp.write = (data, offset) =>
        write(isDamaging ? Buffer.from(data.map((byte) => byte ^ 1)) : data, offset);
      return temp;
    },
  });
  return (damages) => (isDamaging = damages);
}

test.each([
  ['push', false],
  ['push', true],
  ['two-way', false],
  ['two-way', true],
] as const)('%s, the server had a version before: %s', async (mode, before) => {
  const pair = new MemoryPair();
  const wishes: Partial<Settings> = { mode, verify: 'checksum' };
  pair.local.edit.write('kept', 'kept');
  if (before) pair.local.edit.write('a', 'before');
  await pair.rest();
  await pair.run(wishes);
  const damage = damaging(pair);
  pair.local.edit.write('a', 'content');
  await pair.rest();
  expect((await pair.run(wishes)).result.problems).toMatchObject([{ path: 'a', code: 'damaged' }]);
  await pair.rest();
  expect((await pair.run(wishes)).result.problems).toMatchObject([{ path: 'a', code: 'damaged' }]);
  damage(false);
  await pair.rest();
  expect((await pair.run(wishes)).result).toMatchObject({ transferred: 1, conflicts: 0, problems: [] });
  for (const side of ['local', 'remote'] as const)
    expect(pair[side].edit.tree()).toEqual({ a: 'file 644 "content"', kept: 'file 644 "kept"' });
});

test.each(['push', 'two-way'] as const)('%s, where it cannot be read to be compared', async (mode) => {
  const pair = new MemoryPair();
  const wishes: Partial<Settings> = { mode, verify: 'checksum' };
  const damage = damaging(pair);
  const before = { ...pair.remote };
  const refuse = () => Promise.reject(new TowlineError('protocol', 'not now'));
  Object.assign(pair.remote, { hash: refuse, hashInPlace: refuse });
  pair.local.edit.write('a', 'content');
  await pair.rest();
  expect((await pair.run(wishes)).result.problems).toMatchObject([{ path: 'a', code: 'protocol' }]);
  damage(false);
  Object.assign(pair.remote, before);
  await pair.rest();
  expect((await pair.run(wishes)).result).toMatchObject({ transferred: 1, conflicts: 0, problems: [] });
  expect(pair.remote.edit.read('a').toString()).toBe('content');
});
