/** What is known of one path of a pair, and what would be done about it. */
import { relative, resolve, sep } from 'node:path';
import { checkHooks, type RunHooks } from './compose/hooks.js';
import { settingsOf, wishesOf } from './compose/settings.js';
import type { FilterWishes } from './config/filter-limits.js';
import type { PairOptions } from './config/options.js';
import { resolveOptions } from './config/resolve.js';
import type { Entry, Kind } from './core/entry.js';
import { type ErrorCode, TowlineError } from './core/errors.js';
import type { Rule } from './core/filter-rules.js';
import type { Folding } from './core/fold.js';
import { ancestorsOf } from './core/path.js';
import { type Mode, type Policy, type Resolution, writtenSidesOf } from './core/policy.js';
import { silence } from './core/silence.js';
import { verdictText } from './core/verdict-text.js';
import { policyOf, rulesSideOf } from './engine/context.js';
import { explainPath, type PathFindings } from './engine/explain-path.js';
import { createFilterBook } from './engine/filter-book.js';
import { rootFact } from './engine/guardian.js';
import { notGiven, type Policies, policiesFact } from './engine/policies.js';
import { resolutionsFact } from './engine/resolutions.js';
import { modeFact, modeRuleFact } from './engine/scanner.js';
import { plainOptions, type SyncOptions } from './library/sync-options.js';
import type { QueueRow } from './ports-state.js';
import { attemptsOnce, type OpenRemote } from './remote/contract.js';
import { resolveRemote } from './remote.js';
import { namesFact } from './state/facts.js';
import { stateFolder } from './state/location.js';
import { type PeekedPaths, peekPaths } from './state/peek-paths.js';
import { inspectRoot, resolveRoot } from './storage/local/root.js';
import { createLocalStorage } from './storage/local/storage.js';
import { readOnly } from './storage/read-only.js';
import { hashesOf } from './transfer/gathered-hashes.js';

/** One line of the filter rules and where it stands. */
export type RuleShown = Rule;

/** What one side has at a path. */
export interface EntryShown {
  /** What it is. */
  readonly kind: Kind;
  /** Bytes of content; 0 for directories and symlinks. */
  readonly size: number;
  /** Modification time, ms since 1970. */
  readonly mtimeMs: number;
  /** Permission bits. */
  readonly mode: number;
  /** Where a symlink points, as written in it. */
  readonly target?: string;
  /** SHA-256 of the content in hex, where it is known. */
  readonly hash?: string;
}

/** A path's row in the queue of what needs attention. */
export interface QueueShown {
  /** Why it is there. */
  readonly cause: string;
  /** When the oldest change behind it was seen, ms since 1970. */
  readonly sinceMs: number;
  /** Failed attempts that count. */
  readonly attempts: number;
  /** Not tried before, ms since 1970. */
  readonly notBeforeMs: number;
  /** Whether a guard keeps it back. */
  readonly held: boolean;
  /** What went wrong. */
  readonly problem: Failure | null;
}

/** What went wrong with a path. */
export interface Failure {
  /** What went wrong: one of a closed list. */
  readonly code: ErrorCode;
  /** For a person. */
  readonly message: string;
}

/** What is known of one path, and what would be done about it. */
export interface PathExplanation {
  /** Relative to the roots. */
  readonly path: string;
  /** The mode that is explained. */
  readonly mode: Mode;
  /** What was not given, and is taken to be as in the last run of the pair. */
  readonly asInLastRun: Partial<Policies>;
  /** Whether it is left out. */
  readonly excluded: boolean;
  /** The excluded directory above, where it is that which decides. */
  readonly above: string | null;
  /** The rule that decides; `null`: none matches. */
  readonly rule: RuleShown | null;
  /** The rule that closes the way to the server, where both ways are open. */
  readonly notSent: RuleShown | null;
  /** The rule that closes the way here, where both ways are open. */
  readonly notBrought: RuleShown | null;
  /** What both sides were when they last agreed; `null`: they never did, as far as is known. */
  readonly base: {
    /** Here. */
    readonly local: EntryShown;
    /** On the server. */
    readonly remote: EntryShown;
  } | null;
  /** What is here now; `null`: nothing, or see `problem`. */
  readonly local: EntryShown | null;
  /** What the server has now; `null`: nothing, or see `problem`. */
  readonly remote: EntryShown | null;
  /** Why a side could not be seen. */
  readonly problem: Failure | null;
  /** What would be done: the words of a plan, `none`, `adopt`, `conflict`, `halt`, `refuse`; `null`: excluded or not seen. */
  readonly action: string | null;
  /** The same in words, with the reason. */
  readonly text: string;
  /** Its row in the queue of what needs attention. */
  readonly queue: QueueShown | null;
  /** What a person decided about its conflict. */
  readonly decision: Resolution | null;
}

const factNames = [
  ...[modeFact, modeRuleFact, policiesFact, resolutionsFact, rootFact],
  ...[namesFact('local'), namesFact('remote')],
];

/**
 * Says which rule decides about a path, what the base knows of it, what each side has now and what a run would do
 * about it. Changes nothing; an agent of the pair may run meanwhile. Without `mode` it is the one the pair was last run in, and in
 * that mode `delete`, `conflict` and `onDrift` are as they were then.
 * @param path relative to the local folder, or absolute and in it; a slash at its end: take it for a directory
 * @throws `configuration`, `authentication`, `host-key`, `network`, `state`; whatever reading a file throws, where only
 * contents decide
 */
export async function explain(
  options: SyncOptions,
  path: string,
  hooks: RunHooks = {},
): Promise<PathExplanation> {
  const { pair: plain, remote } = plainOptions(options);
  checkHooks(hooks);
  const { env = process.env } = hooks;
  const root = await resolveRoot(plain.local);
  const inside = pathInside(root, path);
  const target = await resolveRemote({ ...plain, remote }, root, env, hooks.prompts);
  const pair = { localRealPath: root, ...target.identity };
  const folder = stateFolder({ stateDir: plain.stateDir, env, pair });
  const place = { folder, label: `${root} → ${target.label}` };
  const state = await peekPaths(place, [...ancestorsOf(inside), inside], factNames);
  const opened = target.open({ log: hooks.log ?? silence, giveUpAfter: attemptsOnce });
  try {
    await opened.link.ready(hooks.signal);
    const looking = lookingAt(plain, root, opened, state, hooks.signal);
    const findings = await explainPath(looking, inside, path.endsWith('/') ? 'directory' : 'file');
    return shown(inside, findings, looking, state?.queue.get(inside));
  } finally {
    await opened.close();
  }
}

type Sight = ReturnType<typeof lookingAt>;

/** The two sides, the rules and what the state remembers, for looking only. */
function lookingAt(
  options: PairOptions,
  root: string,
  opened: OpenRemote,
  state: PeekedPaths | null,
  signal = new AbortController().signal,
) {
  const facts = state?.facts ?? {};
  // Written by the engine and nobody else.
  const lastMode = facts[modeFact] as Mode | undefined;
  const decisions = (facts[resolutionsFact] ?? {}) as Readonly<Record<string, Resolution>>;
  const asInLastRun = notGiven(options, (facts[policiesFact] ?? { mode: lastMode }) as Partial<Policies>);
  const resolved = resolveOptions({ ...options, ...asInLastRun });
  const wishes = wishesOf(resolved);
  const settings = settingsOf(resolved, wishes, 'plan');
  const local = createLocalStorage({ root, label: options.local, writable: false });
  const remote = readOnly(opened.storage);
  const filter = createFilterBook(
    { ...resolved, ...wishes },
    rulesSideOf(settings) === 'local' ? local : remote,
    () =>
      writtenSidesOf(settings.mode).some(
        (side) => (facts[namesFact(side)] as Folding | undefined)?.foldsCase === true,
      ),
  );
  const decisionOf = (path: string): Resolution | null =>
    Object.hasOwn(decisions, path) ? decisions[path]! : null;
  const policy = (): Policy =>
    policyOf({
      settings,
      local,
      remote,
      modeTrust: { trusted: facts[modeRuleFact] === settings.modeRuleText },
      resolutions: { of: decisionOf },
      remoteAhead: { ms: 0 },
      // What an upload that was cut off may have left is only known to who runs.
      temps: { isDoubtful: () => false },
    });
  return {
    local,
    remote,
    filter,
    settings,
    wishes,
    decisionOf,
    policy,
    signal,
    stopSignal: signal,
    asInLastRun,
    hashes: hashesOf({ local, remote }),
    inspectRoot: () => inspectRoot(root),
    otherMode: { was: lastMode !== undefined && lastMode !== settings.mode },
    state: {
      base: {
        get: (paths: readonly string[]) => Promise.resolve(paths.map((one) => state?.base.get(one) ?? null)),
      },
      facts: { get: <T>(key: string) => Promise.resolve((facts[key] ?? null) as T | null) },
    },
  };
}

function shown(
  path: string,
  findings: PathFindings,
  sight: Sight,
  row: QueueRow | undefined,
): PathExplanation {
  const { filter, triple, failure, verdict } = findings;
  const kind = (triple?.local ?? triple?.remote ?? triple?.base?.local)?.kind ?? 'file';
  const closing = (direction: keyof FilterWishes['oneWay']): RuleShown | null => {
    const found = sight.wishes.oneWay[direction]?.explain(path, kind);
    return found?.excluded === true && !filter.excluded ? (found.rule ?? null) : null;
  };
  const base = triple?.base ?? null;
  return {
    path,
    mode: sight.policy().mode,
    asInLastRun: sight.asInLastRun,
    excluded: filter.excluded,
    above: filter.above ?? null,
    rule: filter.rule ?? null,
    notSent: closing('up'),
    notBrought: closing('down'),
    base: base && { local: entryShown(base.local), remote: entryShown(base.remote) },
    local: triple?.local ? entryShown(triple.local) : null,
    remote: triple?.remote ? entryShown(triple.remote) : null,
    problem: failure && { code: failure.code, message: failure.message },
    action: verdict?.type ?? null,
    text: textOf(findings, sight.policy()),
    queue: row === undefined ? null : queueShown(row),
    decision: sight.decisionOf(path),
  };
}

function textOf({ filter, triple, failure, verdict, shadow }: PathFindings, policy: Policy): string {
  if (filter.excluded)
    return 'nothing is done: it is excluded, and excluded paths are neither carried nor deleted';
  if (failure !== null) return `nothing is done: ${failure.message}`;
  if (shadow !== null)
    return `nothing is done: '${shadow}' above it is left alone, and all that is below with it`;
  if (verdict === null || triple === null) throw new TowlineError('internal', 'nothing was decided');
  return verdictText(verdict, triple, policy);
}

function entryShown({ kind, size, mtimeMs, mode, target, hash }: Entry): EntryShown {
  return {
    kind,
    size,
    mtimeMs,
    mode,
    ...(target !== undefined && { target }),
    ...(hash !== undefined && { hash }),
  };
}

function queueShown({ cause, sinceMs, attempts, notBeforeMs, held, problem }: QueueRow) {
  return { cause, sinceMs, attempts, notBeforeMs, held, problem };
}

/** @throws `configuration` when it does not lie in the root */
function pathInside(root: string, path: string): string {
  const inside = relative(root, resolve(root, path));
  if (inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`)) return inside.split(sep).join('/');
  throw new TowlineError('configuration', `'${path}' does not name something in ${root}`, {
    path,
    hint: 'Name a path relative to the local folder, such as docs/index.html',
  });
}
