import { afterAll, beforeAll, describe } from 'vitest';
import { storageContract } from '../contract/storage-contract.js';
import {
  canDropPrivileges,
  logIn,
  makeUnlistable,
  sessionWithout,
  sidesOver,
  unprivilegedServer,
  type Login,
} from './sftp-side.js';
import type { SshdOptions } from '../support/sshd.js';
import type { SftpSession } from '../../src/ssh/channel.js';

function contractOver(
  name: string,
  options: SshdOptions,
  session: (login: Login) => SftpSession,
  unlistable?: (absolute: string) => Promise<void>,
): void {
  describe(name, () => {
    let login: Login;
    beforeAll(async () => {
      login = await logIn(options);
    });
    afterAll(() => login.end());
    storageContract(
      name,
      sidesOver(() => session(login), unlistable),
    );
  });
}

contractOver('sftp', {}, (login) => login.connection);
contractOver(
  'sftp with ForceCommand internal-sftp',
  { forceInternalSftp: true },
  (login) => login.connection,
);
contractOver('sftp without extensions', {}, (login) => sessionWithout(login.connection));

describe.skipIf(!canDropPrivileges)('a server without privileges', () => {
  contractOver(
    'sftp as an unprivileged user',
    { config: [`ForceCommand ${unprivilegedServer}`] },
    (login) => login.connection,
    makeUnlistable,
  );
});
