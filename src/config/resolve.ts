import { parseChmod } from '../core/chmod.js';
import type { Compare, ModeRule } from '../core/compare.js';
import { TowlineError } from '../core/errors.js';
import {
  conflictPolicies,
  type ConflictPolicy,
  driftPolicies,
  type DriftPolicy,
  mayDelete,
  type Mode,
  modes,
  sourceSideOf,
} from '../core/policy.js';
import { type MaxDelete, defaultMaxDelete, parseMaxDelete } from '../core/guard.js';
import { parseSize } from '../core/size.js';
import type { AfterSyncOption, PairOptions, RuleOption } from './options.js';
import { checkRsyncOptions } from './rsync-options.js';
import { type Transport, transports } from './transport.js';

/** A filter rule of which is known where it came from. */
export interface ResolvedRule extends RuleOption {
  readonly source: string;
}

/** Options checked and complete: what was left out has its default. */
export interface ResolvedOptions {
  readonly mode: Mode;
  readonly conflict: ConflictPolicy;
  readonly maxConflictCopies: number;
  readonly onDrift: DriftPolicy;
  readonly remotePollMs: number;
  readonly delete: boolean;
  readonly maxDelete: MaxDelete;
  readonly compare: Compare;
  readonly force: boolean;
  readonly modeRule: ModeRule;
  readonly modeRuleText: string;
  readonly fsync: boolean;
  readonly verify: 'none' | 'size' | 'checksum';
  readonly mkpath: boolean;
  readonly acceptNew: boolean;
  readonly rules: readonly ResolvedRule[];
  /** Bytes; `null`: no limit. */
  readonly maxSize: number | null;
  readonly gitignore: boolean;
  readonly droppings: boolean;
  readonly settleMs: number;
  readonly settleMaxMs: number;
  readonly rescanMs: number;
  /** KiB/s; `null`: no limit. */
  readonly bwlimit: number | null;
  /** `null`: as many as each kind of work takes. */
  readonly concurrency: number | null;
  readonly transport: Transport;
  readonly afterSync: readonly Required<AfterSyncOption>[];
}

/** More requests at once than this help nobody. */
const concurrencyMax = 256;

const compares: readonly Compare[] = ['size', 'mtime+size', 'checksum'];

/**
 * Checks the options that need nothing but themselves.
 * @throws `configuration`, naming the option and what is allowed
 */
export function resolveOptions(options: PairOptions): ResolvedOptions {
  const transport = oneOf('transport', options.transport ?? 'sftp', transports);
  const usual = transport === 'rsync' ? 'checksum' : 'mtime+size';
  const compare = oneOf('compare', options.compare ?? usual, compares);
  const mode = oneOf('mode', options.mode ?? 'push', modes);
  if (transport === 'rsync') checkRsyncOptions(options, mode);
  const settleMs = number('settleMs', options.settleMs ?? 20, 0, 60_000);
  const settleMaxMs = number(
    'settleMaxMs',
    options.settleMaxMs ?? Math.max(10_000, settleMs),
    settleMs,
    3_600_000,
  );
  const rescanMinutes = number('rescanMinutes', options.rescanMinutes ?? 10, 0.05, 10_080);
  refuseTwoPasswords(options);
  if (options.port !== undefined) number('port', options.port, 1, 65_535);
  const remotePollSeconds = number('remotePollSeconds', options.remotePollSeconds ?? 15, 1, 86_400);
  return {
    ...wayOf(mode, options),
    remotePollMs: remotePollSeconds * 1000,
    maxDelete: maxDelete(options.maxDelete),
    compare,
    modeRule: options.chmod === undefined ? (mode) => mode : parseChmod(options.chmod),
    modeRuleText: options.chmod ?? '',
    verify: oneOf('verify', options.verify ?? 'none', ['none', 'size', 'checksum']),
    fsync: options.fsync ?? mode === 'two-way',
    mkpath: options.mkpath ?? false,
    acceptNew: options.acceptNew ?? false,
    rules: (options.rules ?? []).map((rule) => ({ source: 'the options', ...rule })),
    maxSize: maxSize(options.maxSize),
    gitignore: options.gitignore ?? false,
    droppings: options.editorFiles !== true,
    settleMs,
    settleMaxMs,
    rescanMs: rescanMinutes * 60_000,
    bwlimit: resolveBwlimit(options.bwlimit),
    concurrency: resolveConcurrency(options.concurrency),
    transport,
    afterSync: (options.afterSync ?? []).map(afterSync),
  };
}

type Way = Pick<ResolvedOptions, 'mode' | 'conflict' | 'maxConflictCopies' | 'onDrift' | 'delete' | 'force'>;

/** The options that depend on the mode. */
function wayOf(mode: Mode, options: PairOptions): Way {
  const { delete: deletes = mode === 'two-way', force = false } = options;
  if (deletes && !mayDelete(mode)) throw against('delete', mode, 'it deletes nothing on either side');
  if (force && sourceSideOf(mode) === null) throw against('force', mode, 'no side is right by itself');
  return {
    mode,
    conflict: oneOf('conflict', options.conflict ?? 'keep-both', conflictPolicies),
    maxConflictCopies: number('maxConflictCopies', options.maxConflictCopies ?? 10, 1, 1_000),
    onDrift: oneOf('onDrift', options.onDrift ?? 'overwrite', driftPolicies),
    delete: deletes,
    force,
  };
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw wrong(name, value, allowed.join(', '));
}

function against(name: string, mode: Mode, why: string): TowlineError {
  return new TowlineError('configuration', `${name} does not go with mode ${mode}: ${why}`, {
    hint: 'Leave one of them out',
  });
}

/**
 * One of them would be passed over.
 * @throws `configuration`
 */
export function refuseTwoPasswords(options: Pick<PairOptions, 'passwordFile' | 'passwordCommand'>): void {
  if (options.passwordFile === undefined || options.passwordCommand === undefined) return;
  throw new TowlineError('configuration', 'there is both a passwordFile and a passwordCommand', {
    hint: 'Leave one of them out',
  });
}

/**
 * KiB/s; as for rsync and lftp, 0 means no limit, which is `null`.
 * @throws `configuration`
 */
export function resolveBwlimit(kibPerSecond = 0): number | null {
  if (kibPerSecond === 0) return null;
  return number('bwlimit', kibPerSecond, 1, 1_000_000_000);
}

/**
 * How many operations may be under way at once; `null`: as many as each kind of work takes.
 * @throws `configuration`
 */
export function resolveConcurrency(atOnce: number | undefined): number | null {
  if (atOnce === undefined) return null;
  if (Number.isInteger(atOnce)) return number('concurrency', atOnce, 1, concurrencyMax);
  throw wrong('concurrency', String(atOnce), `a whole number from 1 to ${String(concurrencyMax)}`);
}

function afterSync(hook: AfterSyncOption): Required<AfterSyncOption> {
  const { command, where = 'local', patterns = [], timeoutSeconds = 60 } = hook;
  if (command.trim() === '') throw wrong('afterSync.command', command, 'a command for a shell');
  number('afterSync.timeoutSeconds', timeoutSeconds, 1, 86_400);
  return { command, where, patterns, timeoutSeconds };
}

function maxDelete(text: string | undefined): MaxDelete {
  if (text === undefined) return defaultMaxDelete;
  const parsed = parseMaxDelete(text);
  if (parsed === null)
    throw wrong('maxDelete', text, 'a number of paths (100) or a share of the known ones (30%)');
  return parsed;
}

function maxSize(text: string | undefined): number | null {
  if (text === undefined) return null;
  const bytes = parseSize(text);
  if (bytes === null) throw wrong('maxSize', text, 'a size such as 500k, 10M or 1.5G');
  return bytes;
}

function number(name: string, value: number, min: number, max: number): number {
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw wrong(name, String(value), `a number from ${String(min)} to ${String(max)}`);
}

function wrong(name: string, value: string, allowed: string): TowlineError {
  return new TowlineError('configuration', `${name} cannot be '${value}'`, { hint: `Allowed: ${allowed}` });
}
