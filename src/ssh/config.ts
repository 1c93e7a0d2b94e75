import { resolve } from 'node:path';
import { userInfo } from 'node:os';
import { TowlineError } from '../core/errors.js';
import { evaluateFiles } from './config-evaluate.js';
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
import { askSsh } from './ssh-client.js';

export interface IdentityFile {
  /** Absolute. */
  readonly path: string;
  /** Named with `-i`, in ssh_config, or one of those that ssh looks for by itself. */
  readonly origin: 'option' | 'config' | 'default';
}

export type StrictHostKeyChecking = 'yes' | 'no' | 'accept-new' | 'ask';

/** How to reach a host: what was asked for, completed by ssh_config. All paths are absolute. */
export interface ResolvedHost {
  /** `files`: there is no ssh on this machine; the files of ssh_config were read by ourselves. */
  readonly source: 'ssh' | 'files';
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
  readonly kbdInteractiveAuthentication: boolean;
  readonly passwordAuthentication: boolean;
  /** Nobody is to be asked anything. */
  readonly batchMode: boolean;
  readonly numberOfPasswordPrompts: number;
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
  /** Hosts on the way, with commas between them, the nearest first; tokens are not expanded. */
  readonly proxyJump: string | null;
  /** A command line; tokens are not expanded. */
  readonly proxyCommand: string | null;
  readonly proxyUseFdpass: boolean;
  /** Only addresses of this family; `null`: any. */
  readonly addressFamily: 4 | 6 | null;
  /** Our own address to connect from. */
  readonly bindAddress: string | null;
  readonly bindInterface: string | null;
  /** Empty: as ssh does by itself. */
  readonly preferredAuthentications: readonly string[];
}

export interface HostRequest {
  readonly host: string;
  readonly user?: string | null;
  readonly port?: number | null;
  /** Given with `-i`: relative ones start at the working directory. */
  readonly identityFiles?: readonly string[];
  /** Given with `-F`. */
  readonly configFile?: string;
  /** Given with `-J`: goes before what ssh_config says. */
  readonly proxyJump?: string;
  /** Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Asks the installed ssh client (`ssh -G`) what it would do for this host, so that Match, Include, tokens and all count
 * as they do for ssh; without one, reads the same files.
 * @throws TowlineError `configuration`: the configuration was refused (with ssh's text), or cannot be read;
 * `unsupported`: it holds what only ssh can work out, and there is none
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
  const output = await askSsh({ ...request, identityFiles: explicit, env });
  const source = output === null ? 'files' : 'ssh';
  const settings = output === null ? await evaluateFiles(request) : parseSettings(output);
  return { ...fromSettings(request, explicit, env, settings), source };
}

/** `-i ~/key` arrives unexpanded where the shell did not see the tilde at the beginning of a word. */
function expandOption(file: string): string {
  return resolve(file.replace(/^~(?=$|\/)/, userInfo().homedir));
}

function fromSettings(
  request: HostRequest,
  explicit: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  settings: Settings,
): Omit<ResolvedHost, 'source'> {
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
  const paths = (key: string, others: readonly string[]) =>
    settings.has(key) ? pathsOf(settings, key).map(expand) : others;
  return {
    ...base,
    ...named,
    // ssh -G names the usual ones itself; a file that names none leaves them to us.
    identityFiles: settings.has('identityfile')
      ? identities(explicit, filesOf(settings, 'identityfile').map(expand), context.home)
      : base.identityFiles,
    certificateFiles: filesOf(settings, 'certificatefile').map(expand),
    identitiesOnly: switchOf(settings, 'identitiesonly', base.identitiesOnly),
    identityAgent: agentOf(settings.get('identityagent')?.[0] ?? 'SSH_AUTH_SOCK', context),
    pubkeyAuthentication: !['false', 'no'].includes(settings.get('pubkeyauthentication')?.[0] ?? ''),
    kbdInteractiveAuthentication: switchOf(settings, 'kbdinteractiveauthentication', true),
    passwordAuthentication: switchOf(settings, 'passwordauthentication', true),
    batchMode: switchOf(settings, 'batchmode', false),
    numberOfPasswordPrompts: numberOf(settings, 'numberofpasswordprompts') ?? base.numberOfPasswordPrompts,
    userKnownHostsFiles: paths('userknownhostsfile', base.userKnownHostsFiles),
    globalKnownHostsFiles: paths('globalknownhostsfile', base.globalKnownHostsFiles),
    strictHostKeyChecking: strictOf(settings.get('stricthostkeychecking')?.[0]),
    hashKnownHosts: switchOf(settings, 'hashknownhosts', base.hashKnownHosts),
    connectTimeoutSeconds: numberOf(settings, 'connecttimeout'),
    serverAliveIntervalSeconds: numberOf(settings, 'serveraliveinterval') ?? base.serverAliveIntervalSeconds,
    serverAliveCountMax: numberOf(settings, 'serveralivecountmax') ?? base.serverAliveCountMax,
    ciphers: listOf(settings, 'ciphers'),
    hostKeyAlgorithms: listOf(settings, 'hostkeyalgorithms'),
    proxyCommand: textOf(settings, 'proxycommand'),
    proxyUseFdpass: switchOf(settings, 'proxyusefdpass', false),
    addressFamily: familyOf(textOf(settings, 'addressfamily')),
    bindAddress: textOf(settings, 'bindaddress'),
    bindInterface: textOf(settings, 'bindinterface'),
    preferredAuthentications: listOf(settings, 'preferredauthentications'),
  };
}

function fromDefaults(
  request: HostRequest,
  explicit: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Omit<ResolvedHost, 'source'> {
  const { username, homedir } = userInfo();
  return {
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
    kbdInteractiveAuthentication: true,
    passwordAuthentication: true,
    batchMode: false,
    numberOfPasswordPrompts: 3,
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
    proxyUseFdpass: false,
    addressFamily: null,
    bindAddress: null,
    bindInterface: null,
    preferredAuthentications: [],
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

function familyOf(value: string | null): 4 | 6 | null {
  if (value === 'inet') return 4;
  return value === 'inet6' ? 6 : null;
}

function strictOf(value: string | undefined): StrictHostKeyChecking {
  if (value === 'accept-new') return value;
  if (value === 'true' || value === 'yes') return 'yes';
  if (value === 'false' || value === 'no' || value === 'off') return 'no';
  return 'ask';
}
