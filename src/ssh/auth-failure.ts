import { TowlineError } from '../core/errors.js';
import type { ResolvedHost } from './config.js';
import { type KeyAttempt, type KeyPlan, shortPath } from './key-attempts.js';
import type { Secrets } from './secrets.js';

/** What was tried so far, and what the server said to it. */
export interface LoginAccount {
  readonly resolved: ResolvedHost;
  readonly plan: KeyPlan;
  /** The keys that were offered. */
  readonly keys: readonly KeyAttempt[];
  /** As said of the other methods: `password (from TOWLINE_PASSWORD)`. */
  readonly others: readonly string[];
  /** Questions of the server that nobody could answer. */
  readonly unanswered: readonly string[];
  /** The methods that the server takes now; `null`: it has not said. */
  readonly offered: readonly string[] | null;
  /** Whether the server took one step and wanted another. */
  readonly partial: boolean;
}

export interface LoginFailure extends LoginAccount {
  readonly secrets: Secrets;
  readonly serverText?: string;
  readonly cause?: unknown;
}

/** The error of a login that failed: what was tried and refused, what was not tried and why, and what to do. */
export function authenticationFailure(failure: LoginFailure): TowlineError {
  const { resolved, plan, offered, serverText, cause } = failure;
  const names = triedNames(failure);
  const parts = [names.length === 0 ? 'there was no key to try' : `tried ${names.join(', ')}`];
  if (plan.notes.length > 0) parts.push(`not tried: ${plan.notes.join(', ')}`);
  if (offered !== null && offered.length > 0) parts.push(`the server accepts ${offered.join(', ')}`);
  if (serverText !== undefined) parts.push(`the server said: ${serverText}`);
  const who = `${resolved.user}@${resolved.alias}`;
  return new TowlineError('authentication', `authentication failed for ${who}: ${parts.join('; ')}`, {
    host: resolved.alias,
    hint: hintFor(failure, who),
    ...(serverText === undefined ? {} : { serverText }),
    cause,
  });
}

function triedNames({ plan, keys, others }: LoginFailure): string[] {
  const agentTotal = plan.attempts.filter((attempt) => attempt.path === null).length;
  const agentTried = keys.filter((attempt) => attempt.path === null).length;
  const count =
    agentTried === agentTotal ? String(agentTried) : `${String(agentTried)} of ${String(agentTotal)}`;
  const agent = agentTried === 0 ? [] : [`agent (${count} ${agentTotal === 1 ? 'key' : 'keys'})`];
  // An encrypted one may have been shown to the server, and then not been opened.
  const files = keys.flatMap(({ path }) =>
    path === null || plan.encrypted.includes(path) ? [] : [shortPath(path)],
  );
  return [...agent, ...files, ...counted(others)];
}

/** What was tried in the same way several times is named once. */
function counted(names: readonly string[]): string[] {
  return [...new Set(names)].map((name) => {
    const times = names.filter((other) => other === name).length;
    return times === 1 ? name : `${name} ${String(times)} times`;
  });
}

function waysToGive({ ofJumpHost }: Secrets): string {
  return ofJumpHost
    ? 'on a terminal (a configured one is for the target alone), or use a key there'
    : 'by --password-file, --password-command or TOWLINE_PASSWORD, or run it on a terminal';
}

function hintFor(failure: LoginFailure, who: string): string {
  const { plan, keys, others, unanswered, offered, partial, secrets, serverText } = failure;
  const accepts = (...methods: string[]) => methods.some((method) => offered?.includes(method) === true);
  const passwords = accepts('password', 'keyboard-interactive');
  const question = unanswered[0];
  if (question !== undefined) return `The server asks '${question}': run it on a terminal, to answer`;
  if (others.length > 0) {
    return secrets.password === null
      ? 'Check the user name and the password'
      : `Check the user name and the password from ${secrets.password.name}`;
  }
  if (partial && !passwords)
    return 'The server took a key and wants a further step, which cannot be done here';
  if (partial) return `The server took a key and wants a password, too: give it ${waysToGive(secrets)}`;
  if (offered !== null && !accepts('publickey')) {
    return passwords
      ? `This server takes no keys from ${who}: give the password ${waysToGive(secrets)}`
      : `This server takes no keys from ${who}: have them allowed there`;
  }
  const encrypted = plan.encrypted[0];
  if (encrypted !== undefined) {
    return secrets.passphrase === null
      ? `Add the key to an agent (ssh-add '${encrypted}'), or give its passphrase by --passphrase-file or TOWLINE_PASSPHRASE`
      : `Check the passphrase from ${secrets.passphrase.name}, or add the key to an agent: ssh-add '${encrypted}'`;
  }
  if (plan.attempts.length === 0) {
    const password = passwords ? `, or give the password ${waysToGive(secrets)}` : '';
    return `Name a key with -i, or add one to an agent (ssh-add)${password}`;
  }
  if (serverText !== undefined && keys.length > 1) {
    return 'The server may have given up after too many keys: name the right one with -i and set IdentitiesOnly yes';
  }
  return `Check the user name, and that one of these keys is in ~/.ssh/authorized_keys there: ssh-copy-id ${who}`;
}
