/** One run of the real agent on the simulated world, put together as src/compose.ts does it. */
import { conflictNamePattern } from '../../src/core/conflict-name.js';
import { TowlineError } from '../../src/core/errors.js';
import type { FilterRule } from '../../src/core/filter-rules.js';
import { isMirror, writtenSidesOf } from '../../src/core/policy.js';
import { createSettler } from '../../src/core/settle.js';
import { Agent } from '../../src/engine/agent.js';
import { Claims } from '../../src/engine/claims.js';
import { type Context, policyOf, rulesSideOf, type Settings } from '../../src/engine/context.js';
import { DeletionLog } from '../../src/engine/deletion-log.js';
import type { AgentEvent } from '../../src/engine/events.js';
import { createFilterBook } from '../../src/engine/filter-book.js';
import { Gate } from '../../src/engine/gate.js';
import { Lanes } from '../../src/engine/lanes.js';
import { Ledger } from '../../src/engine/ledger.js';
import { StatusBoard } from '../../src/engine/status-board.js';
import { Resolutions } from '../../src/engine/resolutions.js';
import { Temps } from '../../src/engine/temps.js';
import type { Log } from '../../src/ports.js';
import type { MemoryStorage } from '../../src/storage/memory/storage.js';
import { readOnly } from '../../src/storage/read-only.js';
import { hashesOf } from '../../src/transfer/gathered-hashes.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { Verifier } from '../../src/transfer/verify.js';
import type { Durable, StateStep } from './durable.js';
import { FakeLink } from './fake-link.js';
import { FakeWatcher } from './fake-watcher.js';
import type { Knobs } from './knobs.js';
import { Life } from './life.js';
import { Random } from './random.js';
import type { VirtualClock } from './virtual-clock.js';
import { type Side, type Weather, type WireWorld, wired } from './wire.js';
import { excludeRules } from './world.js';

/** What a run is made on. */
export interface RunWorld extends WireWorld {
  readonly local: MemoryStorage;
  readonly remote: MemoryStorage;
}

/** The server as it tells of its own changes, and how often it is listed where it does not. */
export interface RemoteEars {
  /** Those that are told; `null`: the server tells nothing. */
  readonly watchers: Set<FakeWatcher> | null;
  readonly pollMs: number;
}

export interface RunParts {
  readonly world: RunWorld;
  readonly clock: VirtualClock;
  readonly durable: Durable;
  readonly knobs: Knobs;
  readonly weather: Weather;
  readonly stateStep: StateStep;
  readonly watchers: Set<FakeWatcher>;
  readonly seed: number;
  readonly persistent: boolean;
  /** Default: a push as the knobs want it. */
  readonly settings?: Settings;
  readonly ears?: RemoteEars;
}

export interface Run {
  readonly life: Life;
  readonly agent: Agent;
  readonly link: FakeLink;
  /** Its first scan was done: from then on it has no reason to end. */
  readonly isWatching: () => boolean;
}

/** A new process with a new connection, on the state as it was left. */
export function startRun(parts: RunParts): Run {
  const { world, durable, knobs, weather, watchers, seed } = parts;
  const life = new Life();
  const clock = parts.clock.of(life, new Random(seed ^ 0x5eed));
  const link = new FakeLink(parts.clock, life, 10);
  const wire = { life, clock: parts.clock, link, world, weather };
  const settings = parts.settings ?? settingsOf(knobs);
  const writes = writtenSidesOf(settings.mode);
  const sideOf = (side: Side) => wired(world[side], { ...wire, side }, writes.includes(side));
  const local = sideOf('local');
  const remote = writes.includes('remote') ? sideOf('remote') : readOnly(sideOf('remote'));
  const state = durable.open(life, parts.stateStep);
  const soft = new AbortController();
  const hard = new AbortController();
  const log = logOf(life, world);
  const ledger = new Ledger(state, clock);
  const temps = new Temps(state.partials, ledger, clock, log, durable.agentId);
  const stored = JSON.parse(durable.facts.get('modeRule') ?? 'null') as string | null;
  const modeTrust = { trusted: stored === settings.modeRuleText };
  const board = new StatusBoard(clock);
  const hashes = hashesOf({ local, remote });
  const context: Context = {
    local,
    remote,
    link,
    state,
    clock,
    log,
    emit: (event) => {
      board.note(event);
      if (life.alive) hear(event, world);
    },
    settings,
    agentId: durable.agentId,
    inspectRoot: async () => {
      const [root] = await world.local.observe(['']);
      if (root === null || root === undefined || root instanceof TowlineError) return null;
      return { dev: root.dev ?? 0, ino: root.ino ?? 0, mountPoint: false };
    },
    stopSignal: soft.signal,
    signal: hard.signal,
    filter: createFilterBook(
      { rules: rulesOf(settings), gitignore: false, droppings: true },
      rulesSideOf(settings) === 'local' ? local : remote,
    ),
    claims: new Claims(),
    ledger,
    temps,
    lanes: new Lanes(),
    deletions: new DeletionLog(),
    gate: new Gate(),
    throttle: createThrottle({ clock }),
    hashes,
    verifier: settings.verify === 'checksum' ? new Verifier({ local, remote }, hashes, hard.signal) : null,
    modeTrust,
    resolutions: new Resolutions(state.facts),
    remoteAhead: { ms: 0 },
    otherMode: { was: false },
    policy: () => policyOf(context),
  };
  const agent = new Agent({
    context,
    wind: (reason) => soft.abort(reason),
    abort: (reason) => hard.abort(reason),
    newWatcher: () => {
      const watcher = new FakeWatcher(life, parts.clock, 5, () => world.local.edit.stat('') !== null);
      watchers.add(watcher);
      return watcher;
    },
    settler: createSettler({ settleMs: knobs.settleMs }),
    rescanMs: knobs.rescanMs,
    newRemoteWatcher: remoteWatcherOf(parts, life),
    remotePollMs: parts.ears?.pollMs ?? 15_000,
    persistent: parts.persistent,
    board,
    pid: 1,
    stateLost: durable.isLost,
  });
  return { life, agent, link, isWatching: () => board.watching };
}

function remoteWatcherOf({ ears, clock }: RunParts, life: Life): (() => FakeWatcher) | null {
  const watchers = ears?.watchers ?? null;
  if (watchers === null) return null;
  return () => {
    const watcher = new FakeWatcher(life, clock, 5, () => true);
    watchers.add(watcher);
    return watcher;
  };
}

/** As compose/settings.ts has them: versions kept beside are nobody's source. */
export function rulesOf({ mode, onDrift }: Pick<Settings, 'mode' | 'onDrift'>): FilterRule[] {
  const kept = { type: 'exclude', pattern: conflictNamePattern, source: '--on-drift backup' } as const;
  return isMirror(mode) && onDrift === 'backup' ? [...excludeRules, kept] : [...excludeRules];
}

export function settingsOf(knobs: Knobs): Settings {
  return {
    mode: 'push',
    delete: knobs.delete,
    maxDelete: knobs.maxDelete,
    compare: knobs.compare,
    afresh: false,
    force: false,
    onDrift: 'overwrite',
    conflict: 'keep-both',
    maxConflictCopies: 10,
    modeRule: (mode) => mode,
    modeRuleText: '',
    sync: knobs.sync,
    // One knob for both wishes of the careful.
    verify: knobs.sync ? 'checksum' : 'none',
    parents: false,
  };
}

/** Nobody throws `internal` but a fault of ours. */
function hear(event: AgentEvent, world: WireWorld): void {
  switch (event.type) {
    case 'problem':
      world.note(`problem ${event.problem.path}: ${event.problem.code} ${event.problem.message}`);
      if (event.problem.code === 'internal' || event.problem.message.includes('only read'))
        world.violation(`internal: ${event.problem.message}`);
      break;
    case 'notice':
      world.note(`notice ${event.code}: ${event.message}`);
      if (event.message.includes('unexpected failure')) world.violation(event.message);
      break;
    case 'conflict':
      world.note(`conflict ${event.path}: ${event.cause} ${event.side} ${event.copy ?? 'overwritten'}`);
      break;
    case 'holds':
      world.note(`holds: ${event.holds.map(({ cause }) => cause).join(' ') || 'none'}`);
      break;
    case 'scan-start':
      world.note(`scan (${event.cause})`);
      break;
    case 'scan-end':
      world.note('scan ended');
      break;
    case 'link':
      world.note(`link ${event.state.name}`);
      break;
    default:
      break;
  }
}

function logOf(life: Life, world: WireWorld): Log {
  const write = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    if (!life.alive) return;
    const text = `${level} ${message} ${JSON.stringify(fields ?? {})}`;
    if (text.includes('unexpected failure')) world.violation(text);
    else world.note(text);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
