import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { userInfo } from 'node:os';
import { TowlineError } from '../core/errors.js';
import {
  filesOf,
  listOf,
  numberOf,
  parseSettings,
  pathsOf,
  switchOf,
  textOf,
  type Settings,
} from './config-output.js';
import { expandPath, type PathContext } from './expand.js';

export interface IdentityFile {
  /** Absolute. */
  readonly path: string;
  /** Named with `-i`, in ssh_config, or one of those that ssh looks for by itself. */
  readonly origin: 'option' | 'config' | 'default';
}

export type StrictHostKeyChecking = 'yes' | 'no' | 'accept-new' | 'ask';

/** How to reach a host: what was asked for, completed by ssh_config. All paths are absolute. */
export interface ResolvedHost {
  /** `defaults`: there is no ssh on this machine, and so no ssh_config was read. */
  readonly source: 'ssh' | 'defaults';
  /** The host as it was given. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeyAlias: string | null;
  /** In the order in which to try them. */
  readonly identityFiles: readonly IdentityFile[];
  readonly certificateFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** The agent's socket; `null`: none. */
  readonly identityAgent: string | null;
  readonly pubkeyAuthentication: boolean;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: StrictHostKeyChecking;
  readonly hashKnownHosts: boolean;
  /** `null`: as long as the system waits. */
  readonly connectTimeoutSeconds: number | null;
  /** 0: no keepalive. */
  readonly serverAliveIntervalSeconds: number;
  readonly serverAliveCountMax: number;
  /** Those that are allowed, in ssh's order; empty: no restriction. */
  readonly ciphers: readonly string[];
  /** Those that are allowed, in ssh's order; empty: no restriction. */
  readonly hostKeyAlgorithms: readonly string[];
  readonly proxyJump: string | null;
  readonly proxyCommand: string | null;
}

export interface HostRequest {
  readonly host: string;
  readonly user?: string | null;
  readonly port?: number | null;
  /** Given with `-i`: relative ones start at the working directory. */
  readonly identityFiles?: readonly string[];
  /** Given with `-F`. */
  readonly configFile?: string;
  /** Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A `Match exec` or the lookups of CanonicalizeHostname may take their time. */
const sshTimeoutMs = 30_000;

/**
 * Asks the installed ssh client (`ssh -G`) what it would do for this host, so that Match, Include, tokens and all count
 * as they do for ssh; without one, takes ssh's defaults.
 * @throws TowlineError `configuration`: ssh refused the configuration (with its text), or `-F` was given without an ssh
 */
export async function resolveHost(request: HostRequest): Promise<ResolvedHost> {
  const { host } = request;
  // ssh would take it as an option.
  if (host === '' || host.startsWith('-')) {
    throw new TowlineError('configuration', `'${host}' is not a host`, {
      hint: 'A host does not begin with a dash',
    });
  }
  const env = request.env ?? process.env;
  const explicit = (request.identityFiles ?? []).map((file) => expandOption(file));
  const output = await runSsh(request, explicit, env);
  return output === null
    ? fromDefaults(request, explicit, env)
    : fromSsh(request, explicit, env, parseSettings(output));
}

/**
 * Refuses what would be needed to reach the host and cannot be done.
 * @throws TowlineError `unsupported` that names the setting and what to do
 */
export function assertSupported(resolved: ResolvedHost): void {
  const { alias, proxyJump, proxyCommand } = resolved;
  const setting =
    proxyJump === null ? proxyCommand && `ProxyCommand ${proxyCommand}` : `ProxyJump ${proxyJump}`;
  if (setting === null) return;
  throw new TowlineError('unsupported', `${alias} is reached by '${setting}', which is not supported yet`, {
    host: alias,
    hint: `Forward a port (ssh -N -L 2222:localhost:22 ${alias}) and connect to localhost with -p 2222`,
  });
}

/** `-i ~/key` arrives unexpanded where the shell did not see the tilde at the beginning of a word. */
function expandOption(file: string): string {
  return resolve(file.replace(/^~(?=$|\/)/, userInfo().homedir));
}

/** The output of `ssh -G`; `null` where there is no ssh. */
function runSsh(
  request: HostRequest,
  explicit: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const { host, user, port, configFile } = request;
  const args = ['-T', '-G'];
  if (configFile !== undefined) args.push('-F', configFile);
  if (port !== undefined && port !== null) args.push('-p', String(port));
  if (user !== undefined && user !== null) args.push('-l', user);
  // ssh adds its default files only where none is named.
  for (const file of explicit) args.push('-i', file);
  args.push('--', host);
  return new Promise((settle, reject) => {
    execFile('ssh', args, { env, timeout: sshTimeoutMs, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) settle(stdout);
      else if (error.code !== 'ENOENT') reject(sshRefused(host, stderr.trim(), error));
      else if (configFile === undefined) settle(null);
      else {
        const hint = 'Install the OpenSSH client, which reads that file, or leave out -F';
        reject(
          new TowlineError('configuration', `-F ${configFile} needs the ssh command, which is not there`, {
            hint,
          }),
        );
      }
    });
  });
}

function sshRefused(host: string, text: string, cause: unknown): TowlineError {
  return new TowlineError(
    'configuration',
    `ssh cannot resolve '${host}': ${text === '' ? 'no reason given' : text}`,
    {
      host,
      hint: `Mend the SSH configuration until 'ssh -G ${host}' works`,
      serverText: text,
      cause,
    },
  );
}

function fromSsh(
  request: HostRequest,
  explicit: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  settings: Settings,
): ResolvedHost {
  const base = fromDefaults(request, explicit, env);
  const named = {
    hostName: textOf(settings, 'hostname') ?? base.hostName,
    port: numberOf(settings, 'port') ?? base.port,
    user: textOf(settings, 'user') ?? base.user,
    hostKeyAlias: textOf(settings, 'hostkeyalias'),
    proxyJump: textOf(settings, 'proxyjump'),
  };
  const context = contextOf({ ...base, ...named }, env);
  const expand = (path: string) => expandPath(path, context);
  return {
    ...base,
    ...named,
    source: 'ssh',
    identityFiles: identities(explicit, filesOf(settings, 'identityfile').map(expand), context.home),
    certificateFiles: filesOf(settings, 'certificatefile').map(expand),
    identitiesOnly: switchOf(settings, 'identitiesonly', base.identitiesOnly),
    identityAgent: agentOf(settings.get('identityagent')?.[0] ?? 'SSH_AUTH_SOCK', context),
    pubkeyAuthentication: settings.get('pubkeyauthentication')?.[0] !== 'false',
    userKnownHostsFiles: pathsOf(settings, 'userknownhostsfile').map(expand),
    globalKnownHostsFiles: pathsOf(settings, 'globalknownhostsfile').map(expand),
    strictHostKeyChecking: strictOf(settings.get('stricthostkeychecking')?.[0]),
    hashKnownHosts: switchOf(settings, 'hashknownhosts', base.hashKnownHosts),
    connectTimeoutSeconds: numberOf(settings, 'connecttimeout'),
    serverAliveIntervalSeconds: numberOf(settings, 'serveraliveinterval') ?? base.serverAliveIntervalSeconds,
    serverAliveCountMax: numberOf(settings, 'serveralivecountmax') ?? base.serverAliveCountMax,
    ciphers: listOf(settings, 'ciphers'),
    hostKeyAlgorithms: listOf(settings, 'hostkeyalgorithms'),
    proxyCommand: textOf(settings, 'proxycommand'),
  };
}

function fromDefaults(
  request: HostRequest,
  explicit: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ResolvedHost {
  const { username, homedir } = userInfo();
  return {
    source: 'defaults',
    alias: request.host,
    hostName: request.host,
    port: request.port ?? 22,
    user: request.user ?? username,
    hostKeyAlias: null,
    identityFiles: identities(explicit, explicit.length === 0 ? defaultIdentities(homedir) : [], homedir),
    certificateFiles: [],
    identitiesOnly: false,
    identityAgent: env.SSH_AUTH_SOCK ?? null,
    pubkeyAuthentication: true,
    userKnownHostsFiles: [resolve(homedir, '.ssh/known_hosts'), resolve(homedir, '.ssh/known_hosts2')],
    globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    strictHostKeyChecking: 'ask',
    hashKnownHosts: false,
    connectTimeoutSeconds: null,
    serverAliveIntervalSeconds: 0,
    serverAliveCountMax: 3,
    ciphers: [],
    hostKeyAlgorithms: [],
    proxyJump: null,
    proxyCommand: null,
  };
}

function contextOf(
  host: Pick<ResolvedHost, 'alias' | 'hostName' | 'port' | 'user' | 'hostKeyAlias' | 'proxyJump'>,
  env: Readonly<Record<string, string | undefined>>,
): PathContext {
  const { username, homedir, uid } = userInfo();
  return { ...host, home: homedir, localUser: username, uid, env };
}

/** Those given with `-i` first; each file once. */
function identities(explicit: readonly string[], others: readonly string[], home: string): IdentityFile[] {
  const defaults = new Set(defaultIdentities(home));
  const files = new Map<string, IdentityFile>(explicit.map((path) => [path, { path, origin: 'option' }]));
  for (const path of others) {
    if (!files.has(path)) files.set(path, { path, origin: defaults.has(path) ? 'default' : 'config' });
  }
  return [...files.values()];
}

function defaultIdentities(home: string): string[] {
  const kinds = ['rsa', 'ecdsa', 'ecdsa_sk', 'ed25519', 'ed25519_sk', 'xmss', 'dsa'];
  return kinds.map((kind) => resolve(home, '.ssh', `id_${kind}`));
}

function agentOf(value: string, context: PathContext): string | null {
  if (value === 'none' || value === '') return null;
  const variable = value === 'SSH_AUTH_SOCK' ? value : /^\$(\w+)$/.exec(value)?.[1];
  if (variable === undefined) return expandPath(value, context);
  const socket = context.env[variable] ?? '';
  return socket === '' ? null : socket;
}

function strictOf(value: string | undefined): StrictHostKeyChecking {
  if (value === 'accept-new') return value;
  if (value === 'true' || value === 'yes') return 'yes';
  if (value === 'false' || value === 'no' || value === 'off') return 'no';
  return 'ask';
}
