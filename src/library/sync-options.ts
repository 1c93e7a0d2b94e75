/** The options of the library: named as the flags are, in camelCase, with single values where lists are meant too. */
import { homedir } from 'node:os';
import { type Bwlimit, bwlimitOf, isBwlimit } from './bwlimit.js';
import { checkOptions, requireObject } from '../config/check-options.js';
import type { PairParts } from '../compose/pair-parts.js';
import type { AfterSyncOption, PairOptions, RuleOption } from '../config/options.js';
import { type ConfigProblem, ConfigurationError } from '../config/problems.js';
import { settingSchemas } from '../config/schema.js';
import { type FilterSettings, filterRules } from '../config/settings.js';
import { checkStorageRemote, type StorageRemote } from '../remote/storage-remote.js';

/** One, or several in this order. */
export type OneOrMore<T> = T | readonly T[];

type Widened = 'remote' | 'identityFiles' | 'maxDelete' | 'maxSize' | 'afterSync' | 'bwlimit';

/**
 * What a pair needs to be told: the flags of the command, in camelCase. Of filter rules that match, `rules` win over an
 * `include`, that over an `exclude`, both over the lines of `filterFrom`, and these over those of `excludeFrom`.
 */
export interface SyncOptions extends Omit<PairOptions, Widened> {
  /**
   * `[user@]host:path` (the host may be an alias of ssh_config), `http[s]://[user@]host/path`, a folder of this machine, or a
   * storage of the program's own.
   */
  readonly remote: string | StorageRemote;
  /** Patterns as in .gitignore: what matches is left out, and never deleted. */
  readonly exclude?: OneOrMore<string>;
  /** Patterns as in .gitignore: what matches is not left out. */
  readonly include?: OneOrMore<string>;
  /** As `exclude`, for one direction: what matches is not sent to the server. */
  readonly excludeUp?: OneOrMore<string>;
  /** As `exclude`, for one direction: what matches is not brought from the server. */
  readonly excludeDown?: OneOrMore<string>;
  /** Files with one pattern a line, as in a .gitignore. */
  readonly excludeFrom?: OneOrMore<string>;
  /** Files of rules: `- PATTERN` leaves out, `+ PATTERN` does not; the last rule that matches decides. */
  readonly filterFrom?: OneOrMore<string>;
  /** Files larger than this on either side are left alone: bytes, or `500k`, `10M`, `1.5G` (multiples of 1024). Default: no limit. */
  readonly maxSize?: number | string;
  /** Private keys to log in with, most preferred first. */
  readonly identityFiles?: OneOrMore<string>;
  /** Deletions are held back when they are more: paths (`100`) or a share of the known ones (`30%`). Default: 50 % and more than 20. */
  readonly maxDelete?: number | string;
  /** Run after each settled batch, in this order. */
  readonly afterSync?: OneOrMore<AfterSyncOption>;
  /** Content sent and received together, KiB/s; a `Bwlimit` can be shared and changed. Default: unlimited. */
  readonly bwlimit?: number | Bwlimit;
}

const known = [...Object.keys(settingSchemas).filter((key) => key !== 'every'), 'rules'];

/**
 * Checks options, and makes lists of single values.
 * @throws ConfigurationError
 */
export function plainOptions(options: SyncOptions): PairParts {
  requireObject(options);
  const remote = isObject(options.remote) ? checkStorageRemote(options.remote) : options.remote;
  const { bwlimit, ...others } = { ...options, remote: typeof remote === 'object' ? remote.name : remote };
  checkOptions(isBwlimit(bwlimit) ? others : { ...others, bwlimit }, known, ['local', 'remote']);
  const { exclude, include, excludeUp, excludeDown, excludeFrom, filterFrom, ...more } = others;
  const { identityFiles, maxDelete, maxSize, afterSync, ...pair } = more;
  const patterns = { exclude, include, excludeUp, excludeDown, excludeFrom, filterFrom };
  const rules = [...patternRules(patterns), ...(pair.rules ?? [])];
  const throttle = bwlimitOf(bwlimit);
  return {
    throttle,
    remote,
    pair: {
      ...pair,
      ...(throttle.kibPerSecond === null ? {} : { bwlimit: throttle.kibPerSecond }),
      ...(identityFiles === undefined ? {} : { identityFiles: listOf(identityFiles) }),
      ...(maxDelete === undefined ? {} : { maxDelete: String(maxDelete) }),
      ...(maxSize === undefined ? {} : { maxSize: String(maxSize) }),
      ...(afterSync === undefined ? {} : { afterSync: listOf(afterSync) }),
      ...(rules.length === 0 ? {} : { rules }),
    },
  };
}

/** In the order of a configuration file. */
function patternRules(patterns: FilterSettings): RuleOption[] {
  const problems: ConfigProblem[] = [];
  const rules = filterRules(
    patterns,
    {
      folder: process.cwd(),
      home: homedir(),
      name: 'the options',
      placeOf: (key) => ({ place: '', key }),
    },
    problems,
  );
  if (problems.length > 0) throw new ConfigurationError(problems);
  return rules;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
