/** What a scan makes of one directory's listing. */
import type { Entry } from '../../core/entry.js';
import { hasCode, TowlineError } from '../../core/errors.js';
import { join, nameProblem, parentOf } from '../../core/path.js';
import { isTransientName } from '../../core/lock.js';
import { isOwnName, tempOfAside } from '../../core/tempname.js';
import type { Child } from '../../core/walk.js';
import type { ScanRequest } from '../../ports.js';
import type { Attributes, DirectoryItem, SftpChannel } from '../../ssh/channel.js';
import { entryOf, kindOf, type WireKind } from './attributes.js';
import { mapBounded } from '../bounded.js';
import { readText } from './content.js';
import type { SftpContext } from './context.js';
import { failureOf, refusal } from './failures.js';
import { listDirectory } from './listing.js';
import { entryFrom, isUsableTarget } from './look.js';
import type { ScanAhead } from './scan-ahead.js';

/** READLINK and LSTAT under way per directory, at most. */
const looksInFlightMax = 256;

/** A name of the listing that can be used. */
interface Named {
  readonly path: string;
  readonly name: string;
  readonly kind: WireKind;
  readonly attributes: Attributes;
  readonly target: string | undefined;
  /** As the server spells it, where the other side spells it differently. */
  readonly stored?: string;
}

/** Lists directories for one scan. */
export class ScanLister {
  readonly #context: SftpContext;
  readonly #channel: SftpChannel;
  readonly #request: ScanRequest;
  readonly #ahead: ScanAhead | null;

  constructor(
    context: SftpContext,
    channel: SftpChannel,
    request: ScanRequest,
    ahead: ScanAhead | null = null,
  ) {
    this.#context = context;
    this.#channel = channel;
    this.#request = request;
    this.#ahead = ahead;
  }

  /** The children of a directory; rejects when any part of it cannot be told. */
  async list(directory: string): Promise<Child[]> {
    const items = this.#ahead?.take(directory) ?? (await this.#listed(directory));
    const children: Child[] = [];
    const links: Named[] = [];
    const usable = await this.#spelled(directory, this.#usable(directory, items, children));
    const named = await this.#withKinds(usable);
    await this.#readRules(directory, named);
    for (const one of named) {
      if (this.#ahead?.isProbe(one.name) === true) continue;
      if (isOwnName(one.name)) addOwn(children, one);
      else if (this.#request.excludes(one.path, kindForFilter(one.kind))) continue;
      else if (one.kind === 'symlink' && !isUsableTarget(one.target ?? '')) links.push(one);
      else children.push(this.#childOf(one));
    }
    const entries = await mapBounded(links, looksInFlightMax, (link) => this.#look(link));
    for (const [index, entry] of entries.entries()) {
      if (entry instanceof TowlineError) children.push(skipped(links[index]!, entry));
      else if (entry !== null) children.push(childWith(links[index]!, entry));
    }
    return children;
  }

  async #listed(directory: string): Promise<DirectoryItem[]> {
    const attempt = this.#context.attempt('list', this.#context.paths.of(directory));
    const items = await listDirectory(this.#channel, attempt.path).catch((error: unknown) => {
      throw failureOf(attempt, error);
    });
    this.#ahead?.listed(items.length);
    return items;
  }

  /** Puts aside the names that cannot be carried. */
  #usable(directory: string, items: readonly DirectoryItem[], children: Child[]): Named[] {
    const named: Named[] = [];
    for (const { name, attributes, target } of items) {
      const path = join(directory, name);
      const problem = nameProblem(name);
      if (problem === null) named.push({ path, name, kind: kindOf(attributes), attributes, target });
      else children.push(unusable(path, name, problem));
    }
    return named;
  }

  /** From here on everything goes by the other side's spelling: a server that folds names finds them by any. */
  async #spelled(directory: string, named: readonly Named[]): Promise<readonly Named[]> {
    const { spelling } = this.#request;
    if (spelling === undefined) return named;
    const spellings = await spelling(
      directory,
      named.map(({ name }) => name),
    );
    return named.map((one) => {
      const name = spellings.get(one.name);
      return name === undefined ? one : { ...one, name, path: join(directory, name), stored: one.name };
    });
  }

  /** Some servers list names without their types. */
  async #withKinds(named: readonly Named[]): Promise<readonly Named[]> {
    if (named.every((one) => one.kind !== 'unknown')) return named;
    const looked = await mapBounded(named, looksInFlightMax, async (one) => {
      if (one.kind !== 'unknown') return one;
      const attempt = this.#context.attempt('look at', this.#context.paths.below(one.path));
      const attributes = await this.#channel.lstatOrNull(attempt.path).catch((error: unknown) => {
        throw failureOf(attempt, error);
      });
      return attributes === null ? null : { ...one, kind: kindOf(attributes), attributes };
    });
    return looked.filter((one) => one !== null);
  }

  async #readRules(directory: string, named: readonly Named[]): Promise<void> {
    const { ruleFiles } = this.#request;
    if (ruleFiles === undefined) return;
    const files = named.filter((one) => one.kind === 'file' && ruleFiles.names.includes(one.name));
    for (const { path, name } of files) {
      const text = await readText(this.#context, path);
      if (text !== null) ruleFiles.found(directory, name, text);
    }
  }

  /** A link that went away or became something else after the listing is what it is now. */
  async #look(link: Named): Promise<Entry | TowlineError | null> {
    const attempt = this.#context.attempt('read the link', this.#context.paths.below(link.path));
    try {
      return await entryFrom(this.#channel, attempt, link.attributes);
    } catch (error) {
      // What it points to cannot be carried: that concerns this link alone.
      if (hasCode(error, 'name')) return error;
      throw error;
    }
  }

  #childOf(one: Named): Child {
    const attempt = this.#context.attempt('carry', this.#context.paths.below(one.path));
    switch (one.kind) {
      case 'file':
      case 'directory':
      case 'symlink':
        return childWith(one, entryOf(one.kind, one.attributes, one.target));
      case 'special': {
        const error = refusal(attempt, 'unsupported', 'it is a socket, a device or a FIFO');
        return {
          name: one.name,
          item: { type: 'skipped', path: one.path, reason: 'special', error },
          enter: false,
        };
      }
      case 'unknown':
        throw refusal(attempt, 'protocol', 'the server does not tell what it is');
    }
  }
}

function childWith({ path, name, stored }: Named, found: Entry): Child {
  const entry = stored === undefined ? found : { ...found, spelling: stored };
  return { name, item: { type: 'entry', path, entry }, enter: entry.kind === 'directory' };
}

/** Temps and locks are reported so that old ones can be removed; whatever else is ours is nobody's business. */
function addOwn(children: Child[], { path, name, kind, attributes }: Named): void {
  const temp = kind === 'directory' ? tempOfAside(name) : name;
  if (temp === null || !isTransientName(temp) || kind === 'special') return;
  const at = join(parentOf(path) ?? '', temp);
  children.push({
    name: temp,
    item: { type: 'temp', path: at, mtimeMs: (attributes.mtime ?? 0) * 1000 },
    enter: false,
  });
}

function skipped({ path, name }: Named, error: TowlineError): Child {
  return { name, item: { type: 'skipped', path, reason: 'name', error }, enter: false };
}

function unusable(path: string, name: string, problem: string): Child {
  const error = new TowlineError('name', `the name ${JSON.stringify(name)} on the server ${problem}`, {
    path,
    hint: 'Rename it on the server; nothing of that name is touched',
  });
  return { name, item: { type: 'skipped', path, reason: 'name', error }, enter: false };
}

function kindForFilter(kind: WireKind): 'file' | 'directory' | 'symlink' {
  return kind === 'special' || kind === 'unknown' ? 'file' : kind;
}
