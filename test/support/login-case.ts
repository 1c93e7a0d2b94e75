import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity, type Identity } from '../../src/ssh/identity.js';
import type { Prompts } from '../../src/ssh/prompts.js';
import type { SecretOptions } from '../../src/ssh/secret-sources.js';
import { parseTarget } from '../../src/ssh/target.js';
import { freshFolder } from './folder.js';

export interface LoginCase {
  readonly port: number;
  /** Lines of known_hosts. */
  readonly knownHosts: string;
  /** Lines of ssh_config ahead of those that lead to the server. */
  readonly config?: readonly string[];
  readonly user?: string;
  readonly identityFiles?: readonly string[];
  readonly secrets?: SecretOptions;
  readonly prompts?: Prompts;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface CaseIdentity extends Identity {
  readonly knownHostsFile: string;
}

/** An identity for a server on this machine under the alias `box`, with no keys and no agent but those given. */
export async function identityFor(one: LoginCase): Promise<CaseIdentity> {
  const { config = [], user = 'dev', identityFiles = [], secrets = {}, prompts } = one;
  const folder = freshFolder('client');
  const configFile = join(folder, 'config');
  const knownHostsFile = join(folder, 'known_hosts');
  writeFileSync(knownHostsFile, one.knownHosts);
  const lines = [
    ...config,
    'HostName 127.0.0.1',
    `Port ${String(one.port)}`,
    `User ${user}`,
    ...(identityFiles.length === 0 ? ['IdentityFile none'] : []),
    `UserKnownHostsFile ${knownHostsFile}`,
    'GlobalKnownHostsFile none',
  ];
  writeFileSync(configFile, `Host box\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const identity = await createIdentity({
    target: parseTarget('box:'),
    configFile,
    identityFiles,
    acceptNew: false,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...one.env },
    secrets,
    ...(prompts === undefined ? {} : { prompts }),
  });
  return { ...identity, knownHostsFile };
}
