import { afterAll, beforeAll, describe } from 'vitest';
import { inPlaceContract, storageContract } from '../contract/storage-contract.js';
import {
  canDropPrivileges,
  logIn,
  makeUnlistable,
  sessionWithout,
  sidesOver,
  unprivilegedServer,
  unprivilegedShell,
  type Login,
} from './sftp-side.js';
import type { SshdOptions } from '../support/sshd.js';
import type { SftpSession } from '../../src/ssh/channel.js';

function contractOver(
  name: string,
  options: SshdOptions,
  session: (login: Login) => SftpSession,
  unlistable?: (absolute: string) => Promise<void>,
  withShell = false,
): void {
  describe(name, () => {
    let login: Login;
    beforeAll(async () => {
      login = await logIn(options);
    });
    afterAll(() => login.end());
    storageContract(
      name,
      sidesOver(() => session(login), unlistable, withShell ? () => login.connection : undefined),
    );
    inPlaceContract(
      name,
      sidesOver(() => session(login)),
    );
  });
}

contractOver('sftp', {}, (login) => login.connection);
contractOver('sftp with a shell', {}, (login) => login.connection, undefined, true);
contractOver(
  'sftp with a shell that is none',
  { forceInternalSftp: true },
  (login) => login.connection,
  undefined,
  true,
);
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
  contractOver(
    'sftp with a shell as an unprivileged user',
    { config: [`ForceCommand ${unprivilegedShell}`] },
    (login) => login.connection,
    makeUnlistable,
    true,
  );
});
