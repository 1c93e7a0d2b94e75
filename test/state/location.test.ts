import { expect, test } from 'vitest';
import { type PairIdentity, stateFolder } from '../../src/state/location.js';

const pair: PairIdentity = {
  localRealPath: '/home/ann/my app',
  user: 'ann',
  host: 'box.example',
  port: 22,
  path: '/srv/app',
};

function folderOf(change: Partial<PairIdentity>, env: Record<string, string> = {}): string {
  return stateFolder({ env: { HOME: '/home/ann', ...env }, pair: { ...pair, ...change } });
}

test('the state lies below the home directory, under a name that says what it is', () => {
  expect(folderOf({})).toMatch(/^\/home\/ann\/\.local\/state\/towline\/my-app-box\.example-[0-9a-f]{16}$/);
});

test('XDG_STATE_HOME moves it, a relative one is ignored, and --state-dir goes before both', () => {
  expect(folderOf({}, { XDG_STATE_HOME: '/var/xdg' })).toMatch(/^\/var\/xdg\/towline\/my-app-/);
  expect(folderOf({}, { XDG_STATE_HOME: 'xdg' })).toMatch(/^\/home\/ann\/\.local\/state\/towline\//);
  const chosen = stateFolder({
    stateDir: '/mnt/state',
    env: { XDG_STATE_HOME: '/var/xdg' },
    pair,
  });
  expect(chosen).toMatch(/^\/mnt\/state\/my-app-box\.example-[0-9a-f]{16}$/);
});

test('every part of the pair counts, and the same pair is always the same folder', () => {
  const changes: Partial<PairIdentity>[] = [
    {},
    { localRealPath: '/srv/my app' },
    { user: 'bob' },
    { host: 'box2' },
    { port: 2222 },
    { path: '/srv/app2' },
  ];
  expect(new Set(changes.map((change) => folderOf(change))).size).toBe(changes.length);
  expect(folderOf({})).toBe(folderOf({}));
});

test('any local name and host makes one plain folder name', () => {
  for (const localRealPath of ['/', '/x/..foo', `/x/${'é'.repeat(120)}`, '/x/a\nb', '/x/-rf']) {
    const name = folderOf({ localRealPath, host: 'fe80::1%eth0' }, { XDG_STATE_HOME: '/s' }).slice(
      '/s/towline/'.length,
    );
    expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,90}$/);
  }
});
