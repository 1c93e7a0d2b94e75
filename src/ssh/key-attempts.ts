import { homedir } from 'node:os';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { AgentKey, listAgentKeys } from './agent.js';
import type { ResolvedHost } from './config.js';
import type { KeyFile, KeyFileProblem } from './key-file.js';
import { LockedKey, publicKeyFor, unlock } from './locked-key.js';
import type { LoginState } from './login-state.js';
import type { Secrets } from './secrets.js';

/** One key to try. */
export interface KeyAttempt {
  /** The key file, or `null` for a key that only the agent knows. */
  readonly path: string | null;
  /** For ssh2; `null` when it turns out that the key cannot be used (the notes say why). */
  readonly method: () => Promise<AnyAuthMethod | null>;
  /** For keys that sign by way of an agent: whether that has happened; ssh2 does not tell what came of it. */
  readonly signed?: () => boolean;
}

export interface KeyPlan {
  readonly attempts: readonly KeyAttempt[];
  /** What could not be tried, and why: for the message. Grows while keys are tried. */
  readonly notes: string[];
  /** Encrypted files for which there is no passphrase. */
  readonly encrypted: string[];
}

/** Who logs in where, with which key files. */
export interface KeyOwner {
  readonly resolved: ResolvedHost;
  readonly keyFiles: readonly KeyFile[];
  readonly secrets: Secrets;
  readonly state: LoginState;
}

/**
 * The keys to try, in order: those of the agent that an identity file names, its other ones (not with IdentitiesOnly),
 * the files that can be used as they are, and last the encrypted ones. The agent is asked anew each time; files are not
 * read again.
 */
export async function planKeys(owner: KeyOwner): Promise<KeyPlan> {
  const { resolved, keyFiles, secrets } = owner;
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
  const canUnlock = secrets.passphrase !== null || secrets.prompts !== null;
  const locked = alone.filter((file) => file.problem === 'encrypted' && !secrets.unlocked.has(file.path));
  const encrypted = canUnlock ? [] : locked.map((file) => file.path);
  for (const { path, problem } of alone) {
    if (problem !== null && (problem !== 'encrypted' || encrypted.includes(path)))
      notes.push(`${shortPath(path)} (${reasons[problem]})`);
  }
  const plan: KeyPlan = {
    attempts: [
      ...[...own, ...others].map((key) => agentAttempt(resolved, key, notes)),
      ...alone.flatMap((file) => plainAttempts(owner, file)),
      ...(canUnlock ? locked : []).map((file) => lockedAttempt(owner, file, () => plan)),
    ],
    notes,
    encrypted,
  };
  return plan;
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

function agentAttempt(resolved: ResolvedHost, key: ParsedKey, notes: string[]): KeyAttempt {
  const refused = () => notes.push(`the agent's key ${key.comment} (the agent would not sign)`);
  const agent = new AgentKey(resolved.identityAgent ?? '', key, refused);
  return {
    path: null,
    method: () => Promise.resolve({ type: 'agent', username: resolved.user, agent }),
    signed: () => agent.signed,
  };
}

function plainAttempts({ resolved, secrets }: KeyOwner, { path, privateKey }: KeyFile): KeyAttempt[] {
  const key = privateKey ?? secrets.unlocked.get(path);
  if (key === undefined) return [];
  return [{ path, method: () => Promise.resolve({ type: 'publickey', username: resolved.user, key }) }];
}

/** Where the public key is known the server is asked first whether it would take it, else the passphrase comes first. */
function lockedAttempt(owner: KeyOwner, file: KeyFile, plan: () => KeyPlan): KeyAttempt {
  const { resolved, secrets, state } = owner;
  const { path, publicKey: blob } = file;
  const username = resolved.user;
  const open = async (): Promise<ParsedKey | Error> => {
    try {
      const key = await unlock(file, secrets);
      if (typeof key !== 'string') return key;
      plan().notes.push(`${shortPath(path)} (${key})`);
      plan().encrypted.push(path);
      return new Error(key);
    } catch (error) {
      state.breakOff(error);
      return new Error('there is no passphrase', { cause: error });
    }
  };
  const publicKey = blob === null ? null : publicKeyFor(blob);
  if (publicKey === null) {
    return {
      path,
      method: async () => {
        const key = await open();
        return key instanceof Error ? null : { type: 'publickey', username, key };
      },
    };
  }
  const agent = new LockedKey(publicKey, open, state);
  return {
    path,
    method: () => Promise.resolve({ type: 'agent', username, agent }),
    signed: () => agent.signed,
  };
}

function isKeyOf(key: ParsedKey, file: KeyFile): boolean {
  return file.publicKey?.equals(key.getPublicSSH()) === true;
}

const reasons: Record<KeyFileProblem, string> = {
  missing: 'not there',
  unreadable: 'cannot be read',
  encrypted: 'encrypted, and there is no passphrase',
  'public-only': 'a public key only, whose private key the agent does not hold',
  'security-key': 'keys on FIDO devices are not supported',
  unusable: 'not a private key in a known format',
};

/** As people write it. */
export function shortPath(path: string): string {
  const home = `${homedir()}/`;
  return path.startsWith(home) ? `~/${path.slice(home.length)}` : path;
}
