/** Settings as they are written become options of the library. */
import { resolve } from 'node:path';
import { parseChmod } from '../core/chmod.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import type { CommandOptions, PairOptions, RuleOption } from './options.js';
import { type ConfigProblem, notAllowed, type ProblemPlace } from './problems.js';
import { readFilterFile, readRuleFile } from './rule-file.js';
import { type Settings, settingSchemas } from './schema.js';

/** Where settings come from. */
export interface Origin {
  /** Relative paths begin here. */
  readonly folder: string;
  /** What `~` stands for. */
  readonly home: string;
  /** For explanations of filter rules: the file. */
  readonly name: string;
  /** Where a key stands, for messages. */
  placeOf(key: keyof Settings): ProblemPlace;
}

/** The options that settings stand for: what was not set is absent. */
export interface SettingsOptions {
  readonly pair: Partial<PairOptions>;
  readonly command: CommandOptions;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Resolves paths, reads files of rules, and checks what a schema cannot.
 * @param settings which follow the schema
 */
export function settingsToOptions(settings: Settings, origin: Origin): SettingsOptions {
  const path = (text: string | undefined) => (text === undefined ? undefined : pathOf(text, origin));
  const problems = checked(settings, origin);
  const { identityFiles, maxDelete, maxSize, afterSync, every } = settings;
  const rules = filterRules(settings, origin, problems);
  // All of them by name, so that none is forgotten.
  const pair: { [K in keyof Required<PairOptions>]: PairOptions[K] | undefined } = {
    local: path(settings.local),
    remote: settings.remote,
    mode: settings.mode,
    conflict: settings.conflict,
    maxConflictCopies: settings.maxConflictCopies,
    onDrift: settings.onDrift,
    port: settings.port,
    identityFiles:
      identityFiles === undefined ? undefined : listOf(identityFiles).map((one) => pathOf(one, origin)),
    sshConfig: path(settings.sshConfig),
    acceptNew: settings.acceptNew,
    passwordFile: path(settings.passwordFile),
    passwordCommand: settings.passwordCommand,
    passphraseFile: path(settings.passphraseFile),
    delete: settings.delete,
    maxDelete: maxDelete === undefined ? undefined : String(maxDelete),
    compare: settings.compare,
    rules: rules.length === 0 ? undefined : rules,
    maxSize: maxSize === undefined ? undefined : String(maxSize),
    gitignore: settings.gitignore,
    editorFiles: settings.editorFiles,
    chmod: settings.chmod,
    mkpath: settings.mkpath,
    force: settings.force,
    fsync: settings.fsync,
    verify: settings.verify,
    bwlimit: settings.bwlimit,
    concurrency: settings.concurrency,
    transport: settings.transport,
    afterSync: afterSync === undefined ? undefined : listOf(afterSync),
    stateDir: path(settings.stateDir),
    settleMs: settings.settleMs,
    settleMaxMs: settings.settleMaxMs,
    rescanMinutes: settings.rescanMinutes,
    remotePollSeconds: settings.remotePollSeconds,
  };
  return { pair: defined(pair), command: defined({ every }), problems };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** No shell has read these: `~` is ours to replace. */
function pathOf(text: string, { folder, home }: Origin): string {
  return resolve(
    folder,
    text.replace(/^~(?=$|\/)/, () => home),
  );
}

/**
 * The filter rules of settings, in order; files that cannot be read become problems.
 * @param problems takes them
 */
export function filterRules(
  settings: FilterSettings,
  origin: Origin,
  problems: ConfigProblem[],
): RuleOption[] {
  return [...fileRules(settings, origin, problems), ...listedRules(settings, origin)];
}

/** The settings that hold filter rules. */
export type FilterSettings = { readonly [K in FilterKey]?: Settings[K] | undefined };

type FilterKey = 'exclude' | 'include' | 'excludeUp' | 'excludeDown' | 'excludeFrom' | 'filterFrom';

/** An include of the same file wins over its excludes: the last rule that matches decides. */
function listedRules(
  { exclude, excludeUp, excludeDown, include }: FilterSettings,
  origin: Origin,
): RuleOption[] {
  const rules = (patterns: Settings['exclude'], rule: Pick<RuleOption, 'type' | 'only'>): RuleOption[] =>
    listOf(patterns ?? []).map((pattern) => ({ ...rule, pattern, source: origin.name }));
  return [
    ...rules(exclude, { type: 'exclude' }),
    ...rules(excludeUp, { type: 'exclude', only: 'up' }),
    ...rules(excludeDown, { type: 'exclude', only: 'down' }),
    ...rules(include, { type: 'include' }),
  ];
}

function fileRules(settings: FilterSettings, origin: Origin, problems: ConfigProblem[]): RuleOption[] {
  const read = (key: 'excludeFrom' | 'filterFrom', reader: typeof readRuleFile) =>
    listOf(settings[key] ?? []).flatMap((file) => {
      try {
        return reader(pathOf(file, origin), 'the file');
      } catch (error) {
        if (!hasCode(error, 'configuration')) throw error;
        problems.push({ ...origin.placeOf(key), wrong: error.message });
        return [];
      }
    });
  return [...read('excludeFrom', readRuleFile), ...read('filterFrom', readFilterFile)];
}

function checked({ chmod, bwlimit = 0, settleMs, settleMaxMs }: Settings, origin: Origin): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (chmod !== undefined) {
    try {
      parseChmod(chmod);
    } catch (error) {
      const { code } = asTowlineError(error);
      if (code !== 'configuration') throw error;
      const { description } = settingSchemas.chmod;
      problems.push({ ...origin.placeOf('chmod'), ...notAllowed(chmod, description) });
    }
  }
  if (bwlimit > 0 && bwlimit < 1) {
    problems.push({
      ...origin.placeOf('bwlimit'),
      ...notAllowed(bwlimit, settingSchemas.bwlimit.description),
    });
  }
  if (settleMs !== undefined && settleMaxMs !== undefined && settleMaxMs < settleMs) {
    const allowed = `no less than settleMs, which is ${String(settleMs)}`;
    problems.push({ ...origin.placeOf('settleMaxMs'), ...notAllowed(settleMaxMs, allowed) });
  }
  return problems;
}
