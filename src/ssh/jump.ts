import { TowlineError } from '../core/errors.js';
import type { ResolvedHost } from './config.js';
import { expandProxy } from './expand.js';
import { parsePort, type Target } from './target.js';

/** The next host on the way to another one. */
export interface Hop {
  readonly target: Target;
  /** How to reach it in turn; `null`: as ssh_config says. */
  readonly proxyJump: string | null;
  /** The hosts that are reached through it, as `user@host:port`. */
  readonly ahead: readonly string[];
}

const hopsMax = 16;

/**
 * The last host of ProxyJump, which the ones ahead of it lead to; `null` without one. As for ssh, each has the settings
 * that ssh_config gives it, and nothing of what was given for the target on the command line.
 * @param ahead what is reached through `resolved` itself
 * @throws TowlineError `configuration` for a way that leads in a circle or cannot be read
 */
export function hopTo(resolved: ResolvedHost, ahead: readonly string[]): Hop | null {
  const { alias, user, hostName, port, proxyJump } = resolved;
  const here = `${user}@${hostName}:${String(port)}`;
  if (ahead.includes(here) || ahead.length === hopsMax) {
    throw new TowlineError(
      'configuration',
      `ProxyJump leads in a circle: ${[...ahead, here].join(' via ')}`,
      {
        host: alias,
        hint: `Exclude the jump host from its own rule in ssh_config (Host * !${alias}), or give it ProxyJump none`,
      },
    );
  }
  if (proxyJump === null) return null;
  const names = expandProxy(proxyJump, resolved, 'ProxyJump').split(',');
  const last = names.pop() ?? '';
  return {
    target: parseHop(last.trim(), alias),
    proxyJump: names.length === 0 ? null : names.join(','),
    ahead: [...ahead, here],
  };
}

/** `[USER@]HOST[:PORT]`, `[USER@][IPV6][:PORT]`, or the same as an `ssh://` address. */
function parseHop(text: string, alias: string): Target {
  const match = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:@/[\]]+))(?::(\d+))?\/?$/i.exec(text);
  const host = match?.[2] ?? match?.[3] ?? '';
  if (host === '' || host.startsWith('-')) {
    throw new TowlineError('configuration', `'${text}' in the ProxyJump of ${alias} is not a host`, {
      host: alias,
      hint: 'It is written [USER@]HOST[:PORT], with commas between several',
    });
  }
  const port = match?.[4];
  return { user: match?.[1] ?? null, host, port: port === undefined ? null : parsePort(port), path: '.' };
}
