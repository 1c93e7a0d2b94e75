import { isIP } from 'node:net';
import { TowlineError } from '../core/errors.js';
import type { ResolvedHost } from './config.js';

/** The ways of logging in that ssh2 has. */
const authentications = ['none', 'publickey', 'password', 'keyboard-interactive'];

/**
 * Refuses what ssh_config asks for and cannot be done, where going on without it would lead elsewhere or nowhere.
 * @throws TowlineError `unsupported` that names the setting and what to do
 */
export function assertSupported(resolved: ResolvedHost): void {
  const { bindAddress, bindInterface, preferredAuthentications } = resolved;
  if (resolved.proxyUseFdpass && resolved.proxyCommand !== null) {
    throw unsupported(resolved, 'ProxyUseFdpass yes', 'Use a ProxyCommand that carries the data itself');
  }
  if (bindInterface !== null && bindAddress === null) {
    throw unsupported(resolved, `BindInterface ${bindInterface}`, 'Name the address instead: BindAddress');
  }
  if (bindAddress !== null && isIP(bindAddress) === 0) {
    throw unsupported(resolved, `BindAddress ${bindAddress}`, 'Give the address as a number');
  }
  if (
    preferredAuthentications.length > 0 &&
    !preferredAuthentications.some((one) => authentications.includes(one))
  ) {
    const setting = `PreferredAuthentications ${preferredAuthentications.join(',')}`;
    throw unsupported(resolved, setting, 'Have a key allowed on the server, and add publickey to them');
  }
}

function unsupported({ alias }: ResolvedHost, setting: string, hint: string): TowlineError {
  return new TowlineError('unsupported', `ssh_config has '${setting}' for ${alias}, which is not supported`, {
    host: alias,
    hint,
  });
}
