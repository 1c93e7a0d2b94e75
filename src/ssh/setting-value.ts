import { TowlineError } from '../core/errors.js';
import { matchesPatterns } from './pattern.js';

/** Of OpenSSH's own lists, what ssh2 has: what `+`, `-` and `^` in ssh_config start from. */
const defaultLists: Readonly<Record<string, readonly string[]>> = {
  ciphers: [
    'chacha20-poly1305@openssh.com',
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hostkeyalgorithms: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
};

const times = ['connecttimeout', 'serveraliveinterval'];

/** Words that ssh knows whatever their case. */
const choices = [
  'identitiesonly',
  'pubkeyauthentication',
  'kbdinteractiveauthentication',
  'passwordauthentication',
  'batchmode',
  'stricthostkeychecking',
  'hashknownhosts',
  'addressfamily',
  'proxyusefdpass',
  'canonicalizehostname',
];

/**
 * The value of a line of ssh_config as `ssh -G` prints it: times in seconds, lists of algorithms complete.
 * @param key in lower case
 * @throws TowlineError `configuration` for a time that is none
 */
export function normalValue(key: string, words: readonly string[]): string {
  const value = words.join(' ');
  if (times.includes(key)) return secondsOf(key, value);
  if (choices.includes(key)) return value.toLowerCase();
  const defaults = defaultLists[key];
  return defaults === undefined ? value : changedList(defaults, value);
}

/** `90`, `2m`, `1h30m` (sshd_config(5), TIME FORMATS), in seconds; `none` stays. */
function secondsOf(key: string, text: string): string {
  if (text.toLowerCase() === 'none') return 'none';
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  if (!/^(?:\d+[smhdw]?)+$/i.test(text)) {
    throw new TowlineError('configuration', `ssh_config: '${text}' is no time for ${key}`, {
      hint: 'A time is written 90, 2m or 1h30m',
    });
  }
  let seconds = 0;
  for (const [, count, unit = 's'] of text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) {
    seconds += Number(count) * (units[unit === '' ? 's' : unit] ?? 1);
  }
  return String(seconds);
}

/** `+a,b`: after the usual ones; `^a`: ahead of them; `-a*`: without them; else: only these. */
function changedList(defaults: readonly string[], value: string): string {
  const names = value.replace(/^[+^-]/, '').split(',');
  const others = defaults.filter((name) => !names.includes(name));
  if (value.startsWith('+'))
    return [...defaults, ...names.filter((name) => !defaults.includes(name))].join(',');
  if (value.startsWith('^')) return [...names, ...others].join(',');
  if (value.startsWith('-')) return defaults.filter((name) => !matchesPatterns(name, names)).join(',');
  return names.join(',');
}
