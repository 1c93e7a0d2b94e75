import { expect, test } from 'vitest';
import { hookEnvironment } from '../../src/serve/hook-environment.js';

test.each([
  'TOWLINE_PASSWORD',
  'TOWLINE_PASSWORD_FILE',
  'TOWLINE_PASSPHRASE',
  'TOWLINE_KEY_PASSPHRASE',
  'TOWLINE_STATUS_TOKEN',
  'CREDENTIALS_DIRECTORY',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
])('%s is not for commands', (name) => {
  expect(hookEnvironment({ [name]: 'x' }, {})).toEqual({});
});

test('all else is, and what the command is told comes on top', () => {
  const own = { PATH: '/bin', HOME: '/h', TOWLINE_STATE_DIR: '/s', MY_TOKEN: 't', A: '1' };
  expect(hookEnvironment(own, { A: '2', TOWLINE_PATHS_OMITTED: '0' })).toEqual({
    ...own,
    A: '2',
    TOWLINE_PATHS_OMITTED: '0',
  });
});
