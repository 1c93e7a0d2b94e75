import { expect, test } from 'vitest';
import { openState } from '../../src/state/open.js';
import { freshFolder } from '../support/folder.js';

test('temps on record and facts survive a restart', async () => {
  const folder = freshFolder('state');
  const first = await openState({ folder, label: 'test' });
  const temp = (name: string) =>
    ({
      temp: `d/.towline-a-${name}.tmp`,
      path: `d/${name}`,
      side: 'remote',
      fingerprint: null,
      offset: 0,
    }) as const;
  await first.partials.record([temp('1'), temp('2'), { ...temp('3'), side: 'local' }]);
  await first.partials.progress(temp('2').temp, 'dev:ino', 8 * 1024 * 1024 * 1024);
  await first.partials.progress('unknown', 'x', 1);
  await first.partials.forget([temp('1').temp, 'unknown']);
  await first.facts.set('mode', { name: 'push', since: [1, 2.5] });
  await first.facts.set('gone', 1);
  await first.facts.set('gone', null);
  await first.facts.set('undefined', undefined);
  await first.close();

  const second = await openState({ folder, label: 'test' });
  expect(await second.partials.all()).toEqual([
    { ...temp('2'), fingerprint: 'dev:ino', offset: 8 * 1024 * 1024 * 1024 },
    { ...temp('3'), side: 'local' },
  ]);
  expect(await second.facts.get('mode')).toEqual({ name: 'push', since: [1, 2.5] });
  for (const key of ['gone', 'undefined', 'never']) expect(await second.facts.get(key)).toBeNull();
  await second.partials.record([{ ...temp('2'), offset: 5 }]);
  expect((await second.partials.all())[0]).toEqual({ ...temp('2'), offset: 5 });
  await second.close();
});
