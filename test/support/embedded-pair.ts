/** Two folders and the embedded server between them, for runs of the library against a server that misbehaves. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AgentEvent, PairOptions } from '../../src/index.js';
import { plan } from '../../src/index.js';
import { type SftpServer, type SftpServerOptions, startSftpServer } from '../../src/ssh/server/server.js';
import { freshFolder } from './folder.js';

export interface EmbeddedPair {
  readonly server: SftpServer;
  readonly local: string;
  /** Where the remote folder lies on this machine. */
  readonly remote: string;
  readonly options: PairOptions;
}

/** A fresh pair; the server ends with the test. Both folders exist and are empty. */
export async function embeddedPair(
  server: Partial<SftpServerOptions>,
  options: Partial<PairOptions> = {},
): Promise<EmbeddedPair> {
  const root = freshFolder('served');
  const started = await startSftpServer({ ...server, root });
  onTestFinished(() => started.stop());
  return pairOn(started, options);
}

/** Another fresh pair on a server that runs. */
export function pairOn(server: SftpServer, options: Partial<PairOptions> = {}): EmbeddedPair {
  const folder = freshFolder('pair');
  const name = folder.split('/').at(-1)!;
  const [local, remote] = [join(folder, 'local'), join(server.root, name)];
  mkdirSync(local);
  mkdirSync(remote);
  writeFileSync(join(folder, 'key'), server.clientKey, { mode: 0o600 });
  writeFileSync(join(folder, 'known_hosts'), `${server.knownHostsLine}\n`);
  const lines = [
    'Host box',
    `  HostName ${server.host}`,
    `  Port ${String(server.port)}`,
    '  User someone',
    `  IdentityFile ${folder}/key`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${folder}/known_hosts`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
  ];
  writeFileSync(join(folder, 'ssh_config'), `${lines.join('\n')}\n`);
  const pair: PairOptions = {
    local,
    remote: `box:/${name}`,
    sshConfig: join(folder, 'ssh_config'),
    stateDir: join(folder, 'state'),
    ...options,
  };
  return { server, local, remote, options: pair };
}

/** What a plan says, as `action path`. */
export async function planned(pair: EmbeddedPair): Promise<string[]> {
  const actions: string[] = [];
  const onEvent = (event: AgentEvent) => {
    if (event.type === 'planned') actions.push(`${event.action.action} ${event.action.path}`);
  };
  await plan(pair.options, { onEvent });
  return actions;
}

/** Every path below a folder with its content (`null`: a directory, `-> x`: a link), in order. */
export function treeOf(folder: string, below = ''): Record<string, string | null> {
  const tree: Record<string, string | null> = {};
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(folder, path));
    if (stats.isSymbolicLink()) tree[path] = `-> ${readlinkSync(join(folder, path))}`;
    else if (stats.isDirectory()) Object.assign(tree, { [path]: null }, treeOf(folder, path));
    else tree[path] = readFileSync(join(folder, path), 'utf8');
  }
  return tree;
}
