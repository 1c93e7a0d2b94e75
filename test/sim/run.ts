/** One run of the real agent on the simulated world, put together as src/compose.ts does it. */
import type { FilterRule } from '../../src/core/filter-rules.js';
import { writtenSidesOf } from '../../src/core/policy.js';
import { createSettler } from '../../src/core/settle.js';
import { Agent } from '../../src/engine/agent.js';
import type { Settings } from '../../src/engine/context.js';
import type { AgentEvent } from '../../src/engine/events.js';
import type { Log } from '../../src/ports.js';
import type { MemoryStorage } from '../../src/storage/memory/storage.js';
import { readOnly } from '../../src/storage/read-only.js';
import type { Durable, StateStep } from './durable.js';
import { engineContext, keptRules } from './engine-context.js';
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
  const stored = JSON.parse(durable.facts.get('modeRule') ?? 'null') as string | null;
  const { context, board, soft, hard } = engineContext({
    local,
    remote,
    root: world.local,
    link,
    state,
    clock,
    log: logOf(life, world),
    hear: (event) => {
      if (life.alive) hear(event, world);
    },
    settings,
    rules: rulesOf(settings),
    agentId: durable.agentId,
    modeTrust: { trusted: stored === settings.modeRuleText },
  });
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

/** The user's own words, and what follows from the settings. */
export function rulesOf(settings: Pick<Settings, 'mode' | 'onDrift'>): FilterRule[] {
  return [...excludeRules, ...keptRules(settings)];
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
