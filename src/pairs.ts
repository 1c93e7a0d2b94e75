/** Which pairs there are, and how each is doing, whether its agent runs or not. */
import type { PairOptions } from './config/options.js';
import { hasCode, TowlineError } from './core/errors.js';
import type { AgentStatus } from './engine/status.js';
import type { StorageRemote } from './remote/storage-remote.js';
import { identifyRemote, realPath } from './remote.js';
import { askAgent } from './serve/control-client.js';
import { type PairRecord, recordFacts, type ScanRecord } from './serve/record.js';
import { baseFolder, stateFolder } from './state/location.js';
import { type PeekedState, peekState, stateFolders } from './state/peek.js';

/** Problems of a stopped agent that are read at most. */
const problemsMax = 1_000;
/** A list does not wait longer than this for an agent that hangs. */
const listedAnswerMs = 2_000;

/** How a pair is doing; the same shape with and without an agent. */
export type PairStatus = RunningStatus | StoppedStatus;

/** What an agent that runs tells. */
export interface RunningStatus extends AgentStatus {
  /** It runs. */
  readonly running: true;
}

/** What the state folder tells when no agent runs. */
export interface StoppedStatus extends Omit<AgentStatus, 'pid' | 'startedMs' | 'totals'> {
  /** It does not run. */
  readonly running: false;
  /** There is no process. */
  readonly pid: null;
  /** It did not start. */
  readonly startedMs: null;
  /** Nothing was done. */
  readonly totals: null;
}

/** Of a pair's options: those that say which one it is. */
export interface PairPlace extends Pick<PairOptions, 'local' | 'port' | 'sshConfig' | 'stateDir'> {
  /** As it was given to `sync`; of a storage of the program's own the name will do. */
  readonly remote: string | Pick<StorageRemote, 'name'>;
}

/**
 * The state folder of the pair these options name, as `watch` would choose it; it need not exist, and neither need the
 * local folder.
 * @throws `configuration`
 */
export async function findPair(
  options: PairPlace,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return stateFolder({
    stateDir: options.stateDir,
    env,
    pair: { localRealPath: await realPath(options.local), ...(await identifyRemote(options, env)) },
  });
}

/** A pair of which there is a state. */
export interface KnownPair {
  /** Its state folder. */
  readonly folder: string;
  /** Whether an agent holds its socket, even one that does not answer. */
  readonly running: boolean;
  /** The local folder, for people; empty when the state does not say. */
  readonly local: string;
  /** The remote folder, the same way. */
  readonly remote: string;
}

/**
 * All pairs below the folder of states (`--state-dir`, or the usual one), in the order of their folders' names.
 * @throws `state`
 */
export async function listPairs(
  stateDir: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<KnownPair[]> {
  const pairs: KnownPair[] = [];
  for (const folder of await stateFolders(baseFolder({ stateDir, env }))) {
    const stopped = await stoppedStatus(folder);
    const { local, remote } = stopped ?? { local: '', remote: '' };
    pairs.push({ folder, running: await isRunning(folder), local, remote });
  }
  return pairs;
}

async function isRunning(folder: string): Promise<boolean> {
  try {
    await askAgent(folder, { ask: 'status' }, { timeoutMs: listedAnswerMs });
    return true;
  } catch (error) {
    return !hasCode(error, 'not-found');
  }
}

/**
 * How the pair with this state folder is doing.
 * @throws `not-found` when there is neither an agent nor a state, `state`, `protocol`, `permission`
 */
export async function pairStatus(folder: string): Promise<PairStatus> {
  const status = (await runningStatus(folder)) ?? (await stoppedStatus(folder));
  if (status !== null) return status;
  throw new TowlineError('not-found', `nothing is known of this pair (no state in ${folder})`, {
    path: folder,
    hint: 'Check the arguments: they must be those of the watch or push',
  });
}

async function runningStatus(folder: string): Promise<PairStatus | null> {
  try {
    return { ...asStatus(await askAgent(folder, { ask: 'status' })), running: true };
  } catch (error) {
    if (hasCode(error, 'not-found')) return null;
    throw error;
  }
}

/**
 * What an agent answered, as its status.
 * @throws `protocol` when it is none
 */
export function asStatus(answer: Readonly<Record<string, unknown>>): AgentStatus {
  const names: readonly (keyof AgentStatus)[] = ['state', 'link', 'queue', 'problems', 'holds', 'totals'];
  if (names.every((name) => name in answer)) return answer as object as AgentStatus;
  throw new TowlineError('protocol', "the agent's answer is no status", {
    hint: 'It may be of another version: restart it',
  });
}

async function stoppedStatus(folder: string): Promise<StoppedStatus | null> {
  const place = { folder, label: 'this pair' };
  const peeked = await peekState(place, Object.values(recordFacts), problemsMax);
  return peeked === null ? null : stopped(peeked);
}

function stopped({ counts, problems, facts }: PeekedState): StoppedStatus {
  // Written by `beginRecord` and nobody else.
  const pair = facts[recordFacts.pair] as PairRecord | undefined;
  const lastScan = facts[recordFacts.lastScan] as ScanRecord | undefined;
  const { total, held } = counts;
  return {
    running: false,
    pid: null,
    local: pair?.local ?? '',
    remote: pair?.remote ?? '',
    mode: pair?.mode ?? '',
    state: 'stopped',
    startedMs: null,
    link: { state: 'closed', epoch: null, error: null },
    lagMs: counts.oldestMs === null ? 0 : Math.max(0, Date.now() - counts.oldestMs),
    queue: { total, held, problems: counts.problems, settling: 0, inFlight: 0 },
    transfers: [],
    problems: problems.map(({ path, problem }) => ({
      path,
      code: problem?.code ?? 'internal',
      message: problem?.message ?? '',
    })),
    holds: [],
    lastScan: lastScan ?? null,
    bwlimit: null,
    totals: null,
  };
}
