import { homedir } from 'node:os';
import type { AnyAuthMethod, AuthenticationType, ParsedKey } from 'ssh2';
import { TowlineError } from '../core/errors.js';
import { AgentKey, listAgentKeys } from './agent.js';
import type { ResolvedHost } from './config.js';
import type { KeyFile, KeyFileProblem } from './key-file.js';

export interface AuthenticationOptions {
  readonly resolved: ResolvedHost;
  /** As `loadKeyFiles` read them. */
  readonly keyFiles: readonly KeyFile[];
}

/** The attempts to log in on one connection, in ssh's order, and what became of them. */
export interface Authentication {
  /** For ssh2: the next method to try, or `false` when there is none left. */
  readonly authHandler: (left: AuthenticationType[] | null, partial: boolean | null) => AnyAuthMethod | false;
  /** Whether ssh2 asked for a method already: the host key was accepted then. */
  started(): boolean;
  /** What was tried and refused, and what to do: `authentication`. */
  failure(details?: { serverText?: string; cause?: unknown }): TowlineError;
}

/**
 * Prepares the attempts for one connection: keys of the agent that an identity file names, its other keys (not with
 * IdentitiesOnly), then the identity files themselves. The agent is asked anew each time; files are not read again.
 */
export async function createAuthentication(options: AuthenticationOptions): Promise<Authentication> {
  const plan = await makePlan(options);
  const { resolved } = options;
  let next = 0;
  let offered: readonly string[] | null = null;
  let partial = false;
  let started = false;
  const authHandler = (left: AuthenticationType[] | null, partly: boolean | null): AnyAuthMethod | false => {
    const first = !started;
    started = true;
    offered = left ?? offered;
    partial ||= partly === true;
    // With nothing to offer, 'none' lets in who needs no key, and makes the server say what it takes.
    if (plan.attempts.length === 0) return first && { type: 'none', username: resolved.user };
    if (offered?.includes('publickey') === false) return false;
    const attempt = plan.attempts[next];
    if (attempt === undefined) return false;
    next++;
    return attempt.method;
  };
  return {
    authHandler,
    started: () => started,
    failure: (details = {}) =>
      failureOf({ resolved, plan, tried: plan.attempts.slice(0, next), offered, partial, ...details }),
  };
}

interface Attempt {
  readonly method: AnyAuthMethod;
  /** The key file, or `null` for a key that only the agent knows. */
  readonly path: string | null;
}

interface Plan {
  readonly attempts: readonly Attempt[];
  /** What could not be tried, and why: for the message. */
  readonly notes: string[];
  readonly encrypted: readonly string[];
}

async function makePlan({ resolved, keyFiles }: AuthenticationOptions): Promise<Plan> {
  if (!resolved.pubkeyAuthentication) {
    return { attempts: [], notes: ['keys (ssh_config says PubkeyAuthentication no)'], encrypted: [] };
  }
  const notes = resolved.certificateFiles.map(
    (file) => `${shortPath(file)} (certificates are not supported)`,
  );
  const held = await agentKeys(resolved, notes);
  const inAgent = (file: KeyFile) => held.some((key) => isKeyOf(key, file));
  const own = held.filter((key) => keyFiles.some((file) => isKeyOf(key, file)));
  const others = resolved.identitiesOnly ? [] : held.filter((key) => !own.includes(key));
  const alone = keyFiles.filter((file) => !inAgent(file));
  for (const { path, problem } of alone)
    if (problem !== null) notes.push(`${shortPath(path)} (${reasons[problem]})`);
  const byAgent = [...own, ...others].map((key): Attempt => agentAttempt(resolved, key, notes));
  const byFile = alone.flatMap(({ path, privateKey }): Attempt[] =>
    privateKey === null
      ? []
      : [{ path, method: { type: 'publickey', username: resolved.user, key: privateKey } }],
  );
  const encrypted = alone.filter((file) => file.problem === 'encrypted').map((file) => file.path);
  return { attempts: [...byAgent, ...byFile], notes, encrypted };
}

async function agentKeys(resolved: ResolvedHost, notes: string[]): Promise<ParsedKey[]> {
  if (resolved.identityAgent === null) return [];
  try {
    return await listAgentKeys(resolved.identityAgent);
  } catch (error) {
    // As for ssh: without the agent there are still the files, and the message tells.
    notes.push(
      `the agent at ${shortPath(resolved.identityAgent)} (${error instanceof Error ? error.message : 'no answer'})`,
    );
    return [];
  }
}

function agentAttempt(resolved: ResolvedHost, key: ParsedKey, notes: string[]): Attempt {
  const refused = () => notes.push(`the agent's key ${key.comment} (the agent would not sign)`);
  const agent = new AgentKey(resolved.identityAgent ?? '', key, refused);
  return { path: null, method: { type: 'agent', username: resolved.user, agent } };
}

function isKeyOf(key: ParsedKey, file: KeyFile): boolean {
  return file.publicKey?.equals(key.getPublicSSH()) === true;
}

const reasons: Record<KeyFileProblem, string> = {
  missing: 'not there',
  unreadable: 'cannot be read',
  encrypted: 'encrypted: add it to an agent',
  'public-only': 'a public key only, whose private key the agent does not hold',
  'security-key': 'keys on FIDO devices are not supported',
  unusable: 'not a private key in a known format',
};

interface Failure {
  readonly resolved: ResolvedHost;
  readonly plan: Plan;
  readonly tried: readonly Attempt[];
  readonly offered: readonly string[] | null;
  readonly partial: boolean;
  readonly serverText?: string;
  readonly cause?: unknown;
}

function failureOf(failure: Failure): TowlineError {
  const { resolved, plan, tried, offered, serverText, cause } = failure;
  const agentTotal = plan.attempts.filter((attempt) => attempt.path === null).length;
  const agentTried = tried.filter((attempt) => attempt.path === null).length;
  const count =
    agentTried === agentTotal ? String(agentTried) : `${String(agentTried)} of ${String(agentTotal)}`;
  const agent = agentTried === 0 ? [] : [`agent (${count} ${agentTotal === 1 ? 'key' : 'keys'})`];
  const files = tried.flatMap(({ path }) => (path === null ? [] : [shortPath(path)]));
  const names = [...agent, ...files];
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

function hintFor({ plan, tried, offered, partial, serverText }: Failure, who: string): string {
  if (partial) return 'The server took a key and wants a further step, which is not supported';
  if (offered?.includes('publickey') === false)
    return `This server takes no keys from ${who}: have them allowed there`;
  const encrypted = plan.encrypted[0];
  if (encrypted !== undefined) return `An encrypted key is used through an agent: ssh-add '${encrypted}'`;
  if (plan.attempts.length === 0) return 'Name a key with -i, or add one to an agent (ssh-add)';
  if (serverText !== undefined && tried.length > 1) {
    return 'The server may have given up after too many keys: name the right one with -i and set IdentitiesOnly yes';
  }
  return `Check the user name, and that one of these keys is in ~/.ssh/authorized_keys there: ssh-copy-id ${who}`;
}

function shortPath(path: string): string {
  const home = `${homedir()}/`;
  return path.startsWith(home) ? `~/${path.slice(home.length)}` : path;
}
