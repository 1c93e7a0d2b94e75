/** What the engine works with in the simulated world, put together as src/compose/context.ts does it. */
import { conflictNamePattern } from '../../src/core/conflict-name.js';
import { TowlineError } from '../../src/core/errors.js';
import type { FilterRule } from '../../src/core/filter-rules.js';
import { isMirror } from '../../src/core/policy.js';
import { Claims } from '../../src/engine/claims.js';
import { type Context, policyOf, rulesSideOf, type Settings } from '../../src/engine/context.js';
import { DeletionLog } from '../../src/engine/deletion-log.js';
import type { AgentListener } from '../../src/engine/events.js';
import { createFilterBook } from '../../src/engine/filter-book.js';
import { Gate } from '../../src/engine/gate.js';
import { Lanes } from '../../src/engine/lanes.js';
import { Ledger } from '../../src/engine/ledger.js';
import { Resolutions } from '../../src/engine/resolutions.js';
import { Staying } from '../../src/engine/staying.js';
import { StatusBoard } from '../../src/engine/status-board.js';
import { Temps } from '../../src/engine/temps.js';
import type { Storage } from '../../src/ports.js';
import { hashesOf } from '../../src/transfer/gathered-hashes.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { Verifier } from '../../src/transfer/verify.js';

type Given = 'local' | 'remote' | 'link' | 'state' | 'clock' | 'log' | 'settings' | 'agentId' | 'modeTrust';

export interface EngineParts extends Pick<Context, Given> {
  /** The local side as it is, whatever the agent sees of it. */
  readonly root: Pick<Storage, 'observe'>;
  readonly rules: readonly FilterRule[];
  readonly hear: AgentListener;
  /** The base was made in another mode. Default: false. */
  readonly otherMode?: boolean;
}

export interface EngineContext {
  readonly context: Context;
  readonly board: StatusBoard;
  readonly soft: AbortController;
  readonly hard: AbortController;
}

export function engineContext(parts: EngineParts): EngineContext {
  const { root, rules, hear, otherMode = false, ...given } = parts;
  const { local, remote, state, clock, log, settings, agentId } = given;
  const soft = new AbortController();
  const hard = new AbortController();
  const board = new StatusBoard(clock);
  const ledger = new Ledger(state, clock);
  const hashes = hashesOf({ local, remote });
  const context: Context = {
    ...given,
    emit: (event) => {
      board.note(event);
      hear(event);
    },
    inspectRoot: async () => {
      const [there] = await root.observe(['']);
      if (there === null || there === undefined || there instanceof TowlineError) return null;
      return { dev: there.dev ?? 0, ino: there.ino ?? 0, mountPoint: false };
    },
    stopSignal: soft.signal,
    signal: hard.signal,
    filter: createFilterBook(
      { rules, gitignore: false, droppings: true },
      rulesSideOf(settings) === 'local' ? local : remote,
    ),
    claims: new Claims(),
    ledger,
    temps: new Temps(state.partials, ledger, clock, log, agentId),
    lanes: new Lanes(),
    deletions: new DeletionLog(),
    staying: new Staying(),
    gate: new Gate(),
    throttle: createThrottle({ clock }),
    hashes,
    verifier: settings.verify === 'checksum' ? new Verifier({ local, remote }, hashes, hard.signal) : null,
    resolutions: new Resolutions(state.facts),
    remoteAhead: { ms: 0 },
    otherMode: { was: otherMode },
    policy: () => policyOf(context),
  };
  return { context, board, soft, hard };
}

/** As compose/settings.ts has them: versions kept beside are nobody's source. */
export function keptRules({ mode, onDrift }: Pick<Settings, 'mode' | 'onDrift'>): FilterRule[] {
  const kept = { type: 'exclude', pattern: conflictNamePattern, source: '--on-drift backup' } as const;
  return isMirror(mode) && onDrift === 'backup' ? [kept] : [];
}
