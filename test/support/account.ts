import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

/** An account of this machine with a password, for one test. */
export interface TestAccount {
  readonly user: string;
  readonly password: string;
  readonly uid: number;
  remove(): void;
}

/** Whether accounts can be made here. */
export const canMakeAccounts =
  process.getuid?.() === 0 && ['/usr/sbin/useradd', '/usr/sbin/chpasswd'].every((file) => existsSync(file));

/** Makes an account without a home; it is gone with the test process at the latest. */
export function makeAccount(): TestAccount {
  const user = `tl${randomBytes(5).toString('hex')}`;
  const password = `planted-${randomBytes(9).toString('base64url')}`;
  execFileSync('/usr/sbin/useradd', ['-M', '-d', '/', '-s', '/bin/sh', user], { stdio: 'pipe' });
  let there = true;
  const remove = () => {
    if (there) execFileSync('/usr/sbin/userdel', ['-f', user], { stdio: 'pipe' });
    there = false;
    process.removeListener('exit', remove);
  };
  process.once('exit', remove);
  execFileSync('/usr/sbin/chpasswd', { input: `${user}:${password}\n`, stdio: 'pipe' });
  const uid = Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));
  return { user, password, uid, remove };
}
