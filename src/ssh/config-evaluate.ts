import { userInfo } from 'node:os';
import { TowlineError } from '../core/errors.js';
import { type Block, includedFiles, readConfigFile, readConfigFiles } from './config-files.js';
import type { Settings } from './config-output.js';
import { matchesPatterns } from './pattern.js';
import { normalValue } from './setting-value.js';

export interface FileQuestion {
  readonly host: string;
  readonly user?: string | null;
  readonly port?: number | null;
  /** Given with `-F`: then no other file counts. */
  readonly configFile?: string;
  /** Given with `-J`. */
  readonly proxyJump?: string;
}

/** ssh follows includes that deep (readconf.c). */
const includeDepthMax = 16;

/** Those of which every line counts; of all others the first one does. */
const repeatable = ['identityfile', 'certificatefile'];

/**
 * What ssh_config says of a host, worked out by ourselves and in the words of `ssh -G`: for machines without ssh. What
 * no file speaks of is left out.
 * @throws TowlineError `unsupported` for what only ssh can tell (`Match exec`, `CanonicalizeHostname`, …);
 * `configuration` for files that cannot be read or make no sense
 */
export async function evaluateFiles(question: FileQuestion): Promise<Settings> {
  const evaluation = new Evaluation(question.host);
  if (question.user !== undefined && question.user !== null) evaluation.set('user', [question.user]);
  if (question.port !== undefined && question.port !== null) {
    evaluation.set('port', [String(question.port)]);
  }
  if (question.proxyJump !== undefined) evaluation.set('proxyjump', [question.proxyJump]);
  await evaluation.apply(await readConfigFiles(question.configFile), 0);
  return evaluation.result();
}

class Evaluation {
  readonly #host: string;
  readonly #settings = new Map<string, string[]>();

  constructor(host: string) {
    this.#host = host;
  }

  /** Takes what counts of these lines, in order. */
  async apply(blocks: readonly Block[], depth: number): Promise<void> {
    for (const block of blocks) {
      if (block.below !== null) {
        if (this.#matches(block)) await this.apply(block.below, depth);
      } else if (block.key !== 'include') this.set(block.key, block.words);
      else {
        if (depth === includeDepthMax) throw nonsense(block, 'includes itself, or too deeply');
        for (const file of await includedFiles(block))
          await this.apply(await readConfigFile(file), depth + 1);
      }
    }
  }

  set(key: string, words: readonly string[]): void {
    const value = normalValue(key, words);
    const present = this.#settings.get(key);
    if (repeatable.includes(key)) this.#settings.set(key, [...(present ?? []), value]);
    else if (present === undefined && !this.#overruled(key)) this.#settings.set(key, [value]);
  }

  result(): Settings {
    const canonical = this.#settings.get('canonicalizehostname')?.[0] ?? 'no';
    if (canonical !== 'no' && canonical !== 'none') {
      throw onlySsh(`CanonicalizeHostname ${canonical}`, this.#host);
    }
    this.#settings.set('hostname', [this.#hostName().toLowerCase()]);
    return this.#settings;
  }

  /** Of the two ways through somebody else the first one that is named counts; `ProxyJump none` does not. */
  #overruled(key: string): boolean {
    if (key === 'proxyjump') return this.#settings.has('proxycommand');
    return key === 'proxycommand' && (this.#settings.get('proxyjump')?.[0] ?? 'none') !== 'none';
  }

  #hostName(): string {
    const name = this.#settings.get('hostname')?.[0];
    return (name ?? this.#host).replaceAll(/%([%h])/g, (_, letter) => (letter === 'h' ? this.#host : '%'));
  }

  #matches(block: Block): boolean {
    if (block.key === 'host') return matchesPatterns(this.#host, block.words);
    let unknown: string | null = null;
    for (const [criterion, argument] of criteriaOf(block)) {
      const outcome = this.#meets(criterion.replace(/^!/, ''), argument);
      if (outcome === null) unknown = `Match ${criterion} ${argument}`.trimEnd();
      else if (outcome === criterion.startsWith('!')) return false;
    }
    if (unknown !== null) throw onlySsh(`${unknown} (${block.file})`, this.#host);
    return true;
  }

  /** `null`: only ssh can tell. */
  #meets(criterion: string, argument: string): boolean | null {
    const local = userInfo().username;
    const lower = argument.toLowerCase().split(',');
    switch (criterion) {
      case 'all':
        return true;
      // Names are made canonical by ssh alone, and `result` refuses where that is asked for.
      case 'canonical':
        return false;
      case 'host':
        return matchesPatterns(this.#hostName().toLowerCase(), lower);
      case 'originalhost':
        return matchesPatterns(this.#host.toLowerCase(), lower);
      case 'user':
        return matchesPatterns(this.#settings.get('user')?.[0] ?? local, argument.split(','));
      case 'localuser':
        return matchesPatterns(local, argument.split(','));
      default:
        return null;
    }
  }
}

/** The criteria of a `Match` line, each with what it is compared to. */
function criteriaOf(block: Block): [string, string][] {
  const criteria: [string, string][] = [];
  const words = [...block.words];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const criterion = word.toLowerCase();
    if (/^!?(?:all|canonical|final)$/.test(criterion)) criteria.push([criterion, '']);
    else {
      const argument = words.shift();
      if (argument === undefined) throw nonsense(block, `has nothing after '${word}'`);
      criteria.push([criterion, argument]);
    }
  }
  return criteria;
}

function nonsense(block: Block, what: string): TowlineError {
  const line = `${block.key} ${block.words.join(' ')}`;
  return new TowlineError('configuration', `${block.file}: '${line}' ${what}`, { path: block.file });
}

function onlySsh(what: string, host: string): TowlineError {
  return new TowlineError('unsupported', `'${what}' cannot be worked out without ssh`, {
    host,
    hint: 'Install the OpenSSH client, or give a configuration without it (-F)',
  });
}
