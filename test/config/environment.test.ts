import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';

test('each variable becomes a setting of its type', () => {
  const env = {
    TOWLINE_REMOTE: 'dev@box:/srv/app',
    TOWLINE_PORT: '2222',
    TOWLINE_IDENTITY_FILES: 'one\ntwo\n',
    TOWLINE_EXCLUDE: '*.log',
    TOWLINE_DELETE: '0',
    TOWLINE_GITIGNORE: 'Yes',
    TOWLINE_MAX_DELETE: '30%',
    TOWLINE_BWLIMIT: '1.5',
    TOWLINE_RESCAN_MINUTES: '0.5',
    TOWLINE_AFTER_SYNC: 'make',
    TOWLINE_EVERY: '15m',
    TOWLINE_STATE_DIR: 'state',
    TOWLINE_CHMOD: '',
    TOWLINE_UNKNOWN: 'x',
    PORT: '1',
  };
  expect(readEnvironment(env)).toEqual({
    problems: [],
    settings: {
      remote: 'dev@box:/srv/app',
      port: 2222,
      identityFiles: ['one', 'two'],
      exclude: ['*.log'],
      delete: false,
      gitignore: true,
      maxDelete: '30%',
      bwlimit: 1.5,
      rescanMinutes: 0.5,
      afterSync: { command: 'make' },
      every: '15m',
      stateDir: 'state',
    },
  });
});

test.each([
  ['TOWLINE_PORT', '0', 'a whole number from 1 to 65535'],
  ['TOWLINE_PORT', '22.5', 'a whole number from 1 to 65535'],
  ['TOWLINE_PORT', '0x16', 'a whole number from 1 to 65535'],
  ['TOWLINE_SETTLE_MS', '-1', 'a number of ms from 0 to 60000'],
  ['TOWLINE_DELETE', 'maybe', 'true or false'],
  ['TOWLINE_DELETE', 'constructor', 'true or false'],
  ['TOWLINE_COMPARE', 'date', '"size", "mtime+size" or "checksum"'],
  ['TOWLINE_MODE', 'mirror', '"push", "pull", "two-way", "push-backup" or "pull-backup"'],
  ['TOWLINE_MAX_DELETE', '101%', 'a number of paths (100) or a share of the known ones ("30%")'],
  ['TOWLINE_EVERY', '0s', 'a time such as "30s", "15m", "1h" or "1d"'],
  ['TOWLINE_LOCAL', '  ', 'the path of a folder'],
])('%s cannot be %j', (place, text, allowed) => {
  expect(readEnvironment({ [place]: text })).toEqual({
    settings: {},
    problems: [{ place, key: '', wrong: `cannot be ${JSON.stringify(text)}`, hint: `Allowed: ${allowed}` }],
  });
});
