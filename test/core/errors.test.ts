import { describe, expect, test } from 'vitest';
import {
  type ErrorCode,
  type RetryClass,
  TowlineError,
  asTowlineError,
  exitCodeOf,
  hasCode,
  retryClassOf,
} from '../../src/core/errors.js';

test.each<[ErrorCode, RetryClass, number]>([
  ['authentication', 'halt', 3],
  ['host-key', 'halt', 3],
  ['network', 'link', 4],
  ['no-space', 'space', 1],
  ['permission', 'problem', 1],
  ['not-found', 'observe', 1],
  ['exists', 'observe', 1],
  ['not-empty', 'problem', 1],
  ['unsupported', 'problem', 1],
  ['changed', 'observe', 1],
  ['vanished', 'observe', 1],
  ['changing', 'problem', 1],
  ['name', 'problem', 1],
  ['protocol', 'problem', 1],
  ['locked', 'stop', 1],
  ['state', 'stop', 1],
  ['configuration', 'stop', 2],
  ['interrupted', 'stop', 130],
  ['internal', 'problem', 1],
])('%s: %s, exit code %d', (code, retryClass, exitCode) => {
  expect(retryClassOf(code)).toBe(retryClass);
  expect(exitCodeOf(code)).toBe(exitCode);
});

describe('TowlineError', () => {
  test('says what happened and what to do, and keeps its details', () => {
    const cause = new Error('EACCES');
    const details = {
      path: 'a/b',
      host: 'box',
      hint: 'Look at its mode',
      serverText: 'Permission denied',
      cause,
    };
    const error = new TowlineError('permission', "cannot write 'a/b'", details);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("cannot write 'a/b'. Look at its mode");
    expect(error).toMatchObject({ name: 'TowlineError', code: 'permission', ...details });
    expect(String(error)).toContain('TowlineError');
  });

  test('has no details that were not given', () => {
    const error = new TowlineError('internal', 'oops');
    expect(error.message).toBe('oops');
    for (const detail of ['path', 'host', 'hint', 'serverText']) {
      expect((error as unknown as Record<string, unknown>)[detail]).toBeUndefined();
    }
  });
});

describe('asTowlineError', () => {
  test('leaves ours as they are', () => {
    const ours = new TowlineError('network', 'gone');
    expect(asTowlineError(ours)).toBe(ours);
  });

  test.each<[unknown, string]>([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 'network' }, 'object'],
  ])('takes in %j as internal, with its text and itself as the cause', (thrown, text) => {
    const error = asTowlineError(thrown);
    expect(error.code).toBe('internal');
    expect(error.message).toContain(text);
    expect(error.cause).toBe(thrown);
  });
});

test('hasCode knows ours only', () => {
  expect(hasCode(new TowlineError('network', 'gone'), 'permission', 'network')).toBe(true);
  expect(hasCode(new TowlineError('network', 'gone'), 'permission')).toBe(false);
  expect(hasCode(new TowlineError('network', 'gone'))).toBe(false);
  expect(hasCode(Object.assign(new Error('gone'), { code: 'network' }), 'network')).toBe(false);
  expect(hasCode(undefined, 'network')).toBe(false);
});
