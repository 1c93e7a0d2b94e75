/** Where the demo plays: one temp folder with two trees, keys and configuration, and a server for one of the trees. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PairOptions, SftpServer, startSftpServer } from '../../index.js';

export interface Stage {
  readonly folder: string;
  readonly server: SftpServer;
  /** The folder that is edited. */
  readonly localFolder: string;
  /** What it becomes on the server, seen from this side of SFTP. */
  readonly serverFolder: string;
  /** A pair that touches nothing of the user's: no ssh_config, no known_hosts, no agent, no state folder. */
  readonly pair: PairOptions;
  /** Stops the server and removes all of it. */
  dispose(): Promise<void>;
}

const siteName = 'site';

/** Builds the stage. Nothing is left behind when it fails. */
export async function buildStage(startServer: typeof startSftpServer): Promise<Stage> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'towline-demo-')));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    return await furnish(folder, startServer, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function furnish(
  folder: string,
  startServer: typeof startSftpServer,
  remove: () => Promise<void>,
): Promise<Stage> {
  const localFolder = join(folder, siteName);
  const root = join(folder, 'server');
  await mkdir(localFolder);
  await mkdir(root);
  const server = await startServer({ root });
  try {
    const sshConfig = await writeSshFiles(folder, server);
    const stateDir = join(folder, 'state');
    const remote = `demo:/${siteName}`;
    // So few files, and one deleted in each cycle: without a quiet time the guard would hold the half of them back at last.
    const deletions = { delete: true, maxDelete: '100%' };
    return {
      folder,
      server,
      localFolder,
      serverFolder: join(root, siteName),
      pair: { local: localFolder, remote, sshConfig, stateDir, ...deletions },
      dispose: async () => {
        await server.stop();
        await remove();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function writeSshFiles(folder: string, server: SftpServer): Promise<string> {
  const key = join(folder, 'key');
  const knownHosts = join(folder, 'known_hosts');
  const sshConfig = join(folder, 'ssh_config');
  await writeFile(key, server.clientKey, { mode: 0o600 });
  await writeFile(knownHosts, `${server.knownHostsLine}\n`);
  const lines = [
    'Host demo',
    `  HostName ${server.host}`,
    `  Port ${server.port}`,
    '  User demo',
    `  IdentityFile ${quoted(key)}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${quoted(knownHosts)}`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
  ];
  await writeFile(sshConfig, `${lines.join('\n')}\n`);
  return sshConfig;
}

/** For ssh_config: blanks need quotes, and a per cent sign begins a token. */
function quoted(file: string): string {
  return `"${file.replaceAll('%', '%%')}"`;
}
