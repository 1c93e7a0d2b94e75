import type { CipherAlgorithm } from 'ssh2';
import { asTowlineError, TowlineError } from '../core/errors.js';
import { type Authentication, createAuthentication } from './auth.js';
import { type HostRequest, type ResolvedHost, resolveHost } from './config.js';
import { assertSupported } from './config-support.js';
import type { ConnectParameters } from './connect-parameters.js';
import { expandProxy } from './expand.js';
import { askAboutHost } from './host-question.js';
import { createHostVerifier, type HostVerifier } from './host-verifier.js';
import { type Hop, hopTo } from './jump.js';
import { loadKeyFiles } from './key-file.js';
import type { Prompts } from './prompts.js';
import type { SecretOptions } from './secret-sources.js';
import { openSecrets, type Secrets } from './secrets.js';
import type { Target } from './target.js';

export interface IdentityOptions {
  readonly target: Target;
  /** `-F` */
  readonly configFile?: string;
  /** `-p`; goes before the port of the target. */
  readonly port?: number;
  /** `-i` */
  readonly identityFiles?: readonly string[];
  /** `--accept-new`: trust a host that is not known yet, and write its key down. */
  readonly acceptNew: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where passwords and passphrases come from; beside these the environment is looked at. */
  readonly secrets?: SecretOptions;
  /** Somebody to ask, until the first connection stands. Default: nobody. */
  readonly prompts?: Prompts;
  /** Set by `createIdentity` itself for the hosts on the way; `port` and `identityFiles` are the target's alone. */
  readonly hop?: Hop & { readonly secrets: Secrets };
}

/** Who is at the other end, and who we are: what `createConnection` needs for its `connect` and `classify`. */
export interface Identity {
  readonly resolved: ResolvedHost;
  /** The host through which this one is reached. */
  readonly jump: Identity | null;
  /** `user@host`, with `:port` where it is not 22; the host as it was given. */
  readonly label: string;
  /** Prepares one attempt: known_hosts and the agent are read anew. */
  readonly connect: () => Promise<ConnectParameters>;
  /** The reason of an error of ssh2 when it is about host key or authentication, else `null`. */
  readonly classify: (error: Error) => TowlineError | null;
  /**
   * After an attempt failed with an error that no retry mends: whether a person changed that (an unknown host was
   * accepted), so that it may be tried again at once.
   * @throws TowlineError `interrupted` when the person gives up
   */
  readonly reconsider: (error: TowlineError) => Promise<boolean>;
  /**
   * To be called each time a connection became ready: writes down a host key that is new.
   * @throws TowlineError `configuration` when known_hosts cannot be written
   */
  readonly accepted: () => Promise<void>;
}

/**
 * Resolves the host and loads the keys, once.
 * @throws TowlineError `configuration` (ssh_config, `-i`, a file with a secret), `unsupported` (a setting that cannot be honoured)
 */
export async function createIdentity(options: IdentityOptions): Promise<Identity> {
  const { acceptNew } = options;
  const resolved = await resolveHost(requestOf(options));
  assertSupported(resolved);
  const hop = hopTo(resolved, options.hop?.ahead ?? []);
  const secrets =
    options.hop?.secrets ?? (await openSecrets(options.secrets ?? {}, options.env, options.prompts ?? null));
  if (resolved.batchMode) secrets.askNobody();
  const jump =
    hop === null
      ? null
      : await createIdentity({
          ...options,
          target: hop.target,
          hop: { ...hop, secrets: secrets.forJumpHost() },
        });
  const route = routeOf(resolved, jump, options.env);
  const ciphers = allowedCiphers(resolved);
  const keyFiles = await loadKeyFiles(resolved.identityFiles);
  let attempt: { verifier: HostVerifier; authentication: Authentication } | null = null;
  let pinned: Buffer | null = null;
  let letIn = false;
  let unwritten: unknown = null;
  return {
    resolved,
    jump,
    label: labelOf(resolved),
    connect: async () => {
      const verifier = await createHostVerifier({ resolved, acceptNew, pinned });
      const authentication = await createAuthentication({ resolved, keyFiles, secrets });
      attempt = { verifier, authentication };
      return {
        host: resolved.hostName,
        port: resolved.port,
        ...route,
        hostVerifier: (key) => verifier.verify(key),
        asking: () => authentication.asking(),
        ended: () => authentication.ended(),
        ssh: {
          username: resolved.user,
          authHandler: authentication.authHandler,
          algorithms: { serverHostKey: [...verifier.serverHostKeyAlgorithms], cipher: ciphers },
        },
      };
    },
    classify: (error) => {
      if (attempt === null) return null;
      const { verifier, authentication } = attempt;
      return verifier.refusal() ?? authenticationError(error, authentication, letIn);
    },
    reconsider: async (error) => {
      const unknown = attempt?.verifier.unknown() ?? null;
      const { prompts } = secrets;
      // Where it is not our own key, a host on the way may have shown one.
      if (unknown === null) return (await jump?.reconsider(error)) ?? false;
      if (error.code !== 'host-key' || prompts === null) return false;
      if (!(await askAboutHost(unknown, (question) => secrets.ask(question, false, prompts)))) return false;
      // That very key and no other, also where known_hosts cannot be written.
      pinned = unknown.key;
      await unknown.remember().catch((reason: unknown) => {
        unwritten = reason;
      });
      return true;
    },
    accepted: async () => {
      if (attempt === null) return;
      letIn = true;
      attempt.authentication.accepted();
      pinned = attempt.verifier.accepted() ?? pinned;
      await attempt.verifier.record();
      if (unwritten === null) return;
      const reason = unwritten;
      unwritten = null;
      throw asTowlineError(reason);
    },
  };
}

function requestOf({ target, port, identityFiles, configFile, hop, env }: IdentityOptions): HostRequest {
  return {
    host: target.host,
    user: target.user,
    port: hop === undefined ? (port ?? target.port) : target.port,
    identityFiles: hop === undefined ? (identityFiles ?? []) : [],
    env,
    ...(configFile === undefined ? {} : { configFile }),
    ...(hop === undefined || hop.proxyJump === null ? {} : { proxyJump: hop.proxyJump }),
  };
}

/** How to get there, and how long to wait on the way. */
function routeOf(
  resolved: ResolvedHost,
  jump: Identity | null,
  env: IdentityOptions['env'],
): Omit<ConnectParameters, 'host' | 'port' | 'hostVerifier' | 'ssh'> {
  const { proxyCommand, addressFamily, bindAddress, connectTimeoutSeconds } = resolved;
  const aliveSeconds = resolved.serverAliveIntervalSeconds;
  const line = proxyCommand === null ? null : expandProxy(proxyCommand, resolved, 'ProxyCommand');
  return {
    ...(jump === null ? {} : { jump }),
    ...(line === null ? {} : { proxyCommand: { line, env } }),
    ...(addressFamily === null ? {} : { family: addressFamily }),
    ...(bindAddress === null ? {} : { localAddress: bindAddress }),
    ...(connectTimeoutSeconds === null || connectTimeoutSeconds === 0
      ? {}
      : { connectTimeoutMs: connectTimeoutSeconds * 1000 }),
    ...(aliveSeconds === 0
      ? {}
      : { serverAlive: { intervalMs: aliveSeconds * 1000, countMax: resolved.serverAliveCountMax } }),
  };
}

/** SSH_DISCONNECT_PROTOCOL_ERROR and SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE (RFC 4253, section 11.1). */
const disconnectReasons = { protocolError: 2, noMoreMethods: 14 } as const;

/**
 * ssh2 marks the end of our attempts by a level; a server that has had enough of them disconnects with a reason. OpenSSH
 * calls that a protocol error, as it does with others later on: with keys that have worked before it is one of those.
 */
function authenticationError(
  error: Error,
  authentication: Authentication,
  letIn: boolean,
): TowlineError | null {
  if (!authentication.started()) return null;
  if (authentication.broken() !== null) return authentication.failure({ cause: error });
  if ('level' in error && error.level === 'client-authentication')
    return authentication.failure({ cause: error });
  const reason = 'code' in error ? error.code : null;
  const refused =
    reason === disconnectReasons.noMoreMethods || (reason === disconnectReasons.protocolError && !letIn);
  return refused ? authentication.failure({ cause: error, serverText: error.message }) : null;
}

function labelOf({ user, alias, port }: ResolvedHost): string {
  const host = alias.includes(':') ? `[${alias}]` : alias;
  return `${user}@${host}${port === 22 ? '' : `:${String(port)}`}`;
}

/** The fastest first (AES-GCM, by far, in ssh2); ssh_config decides which are allowed, not their order. */
const ciphersBySpeed: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];

function allowedCiphers({ alias, ciphers }: ResolvedHost): CipherAlgorithm[] {
  const allowed = ciphersBySpeed.filter((cipher) => ciphers.length === 0 || ciphers.includes(cipher));
  if (allowed.length > 0) return allowed;
  throw new TowlineError('unsupported', `none of the Ciphers for ${alias} can be used here`, {
    host: alias,
    hint: `Allow one of ${ciphersBySpeed.join(', ')} in ssh_config`,
  });
}
