import { expect, test } from 'vitest';
import type { Resolution } from '../../src/core/policy.js';
import { Resolutions } from '../../src/engine/resolutions.js';
import type { FactStore } from '../../src/ports-state.js';

/** As SQLite keeps them: what is read is what JSON makes of it. */
class Facts implements FactStore {
  written = 0;
  readonly #known = new Map<string, string>();

  get<T>(key: string): Promise<T | null> {
    const text = this.#known.get(key);
    return Promise.resolve(text === undefined ? null : (JSON.parse(text) as T));
  }

  set(key: string, value: unknown): Promise<void> {
    this.written++;
    this.#known.set(key, JSON.stringify(value));
    return Promise.resolve();
  }
}

test.each(['constructor', 'toString', '__proto__'])(
  'of a file called %s nothing is decided yet',
  async (path) => {
    const store = new Facts();
    const resolutions = new Resolutions(store);
    await resolutions.load();
    expect(resolutions.of(path)).toBeNull();
    await resolutions.settled(path);
    expect(store.written).toBe(0);
    await resolutions.decide(path, 'remote');
    const next = new Resolutions(store);
    await next.load();
    expect(next.of(path)).toBe('remote');
    await next.settled(path);
    expect(next.of(path)).toBeNull();
  },
);

test('what cannot be kept is refused, and not written down', async () => {
  const store = new Facts();
  const resolutions = new Resolutions(store);
  const decided = resolutions.decide('a', 'mine' as Resolution);
  await expect(decided).rejects.toMatchObject({
    code: 'configuration',
    hint: 'Allowed: local, remote, both',
  });
  expect(store.written).toBe(0);
});
