import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder } from './folder.js';
import type { TestSshd } from './sshd.js';

export interface HostBlock {
  readonly server: TestSshd;
  /** Ahead of those that lead to the server: the first value counts. */
  readonly lines?: readonly string[];
}

/** An ssh_config with one Host block for each server; each has its own user key and its own known_hosts. */
export function configFor(hosts: Readonly<Record<string, HostBlock>>): string {
  const file = join(freshFolder('hops'), 'ssh_config');
  const blocks = Object.entries(hosts).map(([name, { server, lines = [] }]) => [
    `Host ${name}`,
    ...lines,
    'HostName 127.0.0.1',
    `Port ${String(server.port)}`,
    `User ${server.user}`,
    `IdentityFile ${server.keyFile}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${server.knownHostsFile}`,
    'GlobalKnownHostsFile none',
    'StrictHostKeyChecking yes',
  ]);
  writeFileSync(file, `${blocks.flat().join('\n')}\n`);
  return file;
}
