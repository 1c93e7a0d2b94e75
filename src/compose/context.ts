/** What the parts of the engine share, made of the real adapters. */
import { pretending } from './pretending.js';
import type { PairOptions } from '../config/options.js';
import type { ResolvedOptions } from '../config/resolve.js';
import { writtenSidesOf } from '../core/policy.js';
import { silence } from '../core/silence.js';
import { Claims } from '../engine/claims.js';
import { type Context, policyOf, rulesSideOf } from '../engine/context.js';
import { DeletionLog } from '../engine/deletion-log.js';
import type { AgentListener } from '../engine/events.js';
import { createFilterBook } from '../engine/filter-book.js';
import { Gate } from '../engine/gate.js';
import { Lanes } from '../engine/lanes.js';
import { Ledger, noLedger } from '../engine/ledger.js';
import { Resolutions } from '../engine/resolutions.js';
import { Staying } from '../engine/staying.js';
import { modeRuleFact } from '../engine/scanner.js';
import { StatusBoard } from '../engine/status-board.js';
import { Temps } from '../engine/temps.js';
import type { OpenRemote, Remote } from '../remote/contract.js';
import { type AgentRecord, beginRecord, noRecord } from '../serve/record.js';
import type { OpenedState } from '../state/open.js';
import { inspectRoot } from '../storage/local/root.js';
import type { Storage } from '../ports.js';
import { systemClock } from '../system-clock.js';
import { readOnly } from '../storage/read-only.js';
import { hashesOf } from '../transfer/gathered-hashes.js';
import type { Throttle } from '../transfer/throttle.js';
import { Verifier } from '../transfer/verify.js';
import { listenerOf, type RunHooks } from './hooks.js';
import { foldingSides } from './names.js';
import { isOtherMode, type Purpose, settingsOf, wishesOf } from './settings.js';

/** What a pair is put together from, once its options are checked. */
export interface Materials {
  readonly options: PairOptions;
  readonly resolved: ResolvedOptions;
  readonly hooks: RunHooks;
  readonly purpose: Purpose;
  /** The local folder, real path. */
  readonly root: string;
  readonly target: Remote;
  readonly state: OpenedState;
  readonly throttle: Throttle;
}

/** The context, who ends what works in it, and who notes what it tells. */
export interface ComposedContext {
  readonly context: Context;
  readonly soft: AbortController;
  readonly hard: AbortController;
  readonly board: StatusBoard;
  readonly record: AgentRecord;
}

export async function contextOf(
  materials: Materials,
  near: Storage,
  far: OpenRemote,
): Promise<ComposedContext> {
  const { resolved, hooks, purpose, root, target, state, throttle } = materials;
  const { log = silence } = hooks;
  const soft = new AbortController();
  const hard = new AbortController();
  const { local, remote, filter, settings } = sidesOf(materials, near, far.storage);
  const ledger = new Ledger(state, systemClock);
  const board = new StatusBoard(systemClock);
  const pair = { local: root, remote: target.label, mode: settings.mode };
  const record =
    purpose === 'plan' ? noRecord : await beginRecord({ facts: state.facts, clock: systemClock, log, pair });
  const tell = listenerOf(hooks, systemClock);
  const emit: AgentListener = (event) => {
    board.note(event);
    if (event.type === 'scan-end') record.scanned(event);
    tell(event);
  };
  const hashes = hashesOf({ local, remote });
  const context: Context = {
    local,
    remote,
    link: far.link,
    state,
    clock: systemClock,
    log,
    emit,
    settings,
    agentId: state.agentId,
    inspectRoot: () => inspectRoot(root),
    stopSignal: soft.signal,
    signal: hard.signal,
    filter,
    claims: new Claims(),
    ledger: purpose === 'plan' ? noLedger : ledger,
    temps: new Temps(state.partials, ledger, systemClock, log, state.agentId),
    lanes: new Lanes(resolved.concurrency),
    deletions: new DeletionLog(),
    staying: new Staying(),
    gate: new Gate(),
    throttle,
    hashes,
    verifier: settings.verify === 'checksum' ? new Verifier({ local, remote }, hashes, hard.signal) : null,
    modeTrust: { trusted: (await state.facts.get<string>(modeRuleFact)) === settings.modeRuleText },
    resolutions: new Resolutions(state.facts),
    remoteAhead: { ms: 0 },
    otherMode: { was: await isOtherMode(state, settings.mode) },
    policy: () => policyOf(context),
    ...(purpose === 'plan' ? pretending({ local, remote, state }) : {}),
  };
  return { context, soft, hard, board, record };
}

/** Both sides as the engine sees them, with what is left out of them. */
function sidesOf(
  { resolved, hooks, purpose, state }: Materials,
  near: Storage,
  far: Storage,
): Pick<Context, 'local' | 'remote' | 'filter' | 'settings'> {
  const writes = writtenSidesOf(resolved.mode);
  const wishes = wishesOf(resolved);
  const settings = settingsOf(resolved, wishes, purpose);
  const { local, remote } = foldingSides({
    near,
    far: writes.includes('remote') ? far : readOnly(far),
    writes,
    excludes: (path, kind) => filter.excludes(path, kind),
    state,
    anew: purpose === 'watch',
    log: hooks.log ?? silence,
  });
  const ruled = rulesSideOf(settings) === 'local' ? near : far;
  const filter = createFilterBook({ ...resolved, ...wishes }, ruled, () =>
    [local, remote].some(({ capabilities }) => capabilities.names?.foldsCase === true),
  );
  return { local, remote, filter, settings };
}
