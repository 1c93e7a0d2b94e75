/** Verdicts in words: what would be done about one path, and why. */
import { type Change, errorOf, type LeftOut, type MetadataChange, type Verdict } from './action.js';
import type { Side, Triple } from './entry.js';
import { mayDelete, type Policy } from './policy.js';

type Wishes = Pick<Policy, 'mode' | 'delete'>;

const places: Readonly<Record<Side, string>> = { local: 'here', remote: 'on the other side' };

/** One sentence for people, without a full stop. */
export function verdictText(
  verdict: Exclude<Verdict, { type: 'contents' }>,
  triple: Triple,
  wishes: Wishes,
): string {
  switch (verdict.type) {
    case 'none':
    case 'adopt':
      return settledText(verdict, triple, wishes);
    case 'conflict':
    case 'halt':
    case 'refuse': {
      return `nothing is done: ${errorOf(verdict).message}`;
    }
    default:
      return changeText(verdict, triple);
  }
}

function changeText(change: Change, { path }: Triple): string {
  const { reason } = change;
  switch (change.type) {
    case 'upload':
      return `it is sent to the other side: ${reason}`;
    case 'download':
      return `it is brought here: ${reason}`;
    case 'make-directory':
      return `the directory is made ${places[change.side]}: ${reason}`;
    case 'set-metadata':
      return `${metadataText(change.change)} set ${places[change.side]}: ${reason}`;
    case 'delete-local':
      return `it is deleted here${deletionText(change)}: ${reason}`;
    case 'delete-remote':
      return `it is deleted on the other side${deletionText(change)}: ${reason}`;
    case 'set-aside':
      return `what is ${places[change.side]} gets a name of its own beside '${path}': ${reason}`;
  }
}

function deletionText({ destination }: Extract<Change, { type: 'delete-local' | 'delete-remote' }>): string {
  const guarded = ', unless a guard holds deletions back';
  if (destination.kind !== 'directory') return guarded;
  return `${guarded} or something in it stays (excluded, left out, no file, or changed by others)`;
}

function metadataText({ mode, mtimeMs }: MetadataChange): string {
  if (mode === undefined) return 'its time is';
  return mtimeMs === undefined
    ? `its mode ${mode.toString(8)} is`
    : `its time and mode ${mode.toString(8)} are`;
}

const leftOutTexts: Readonly<Record<LeftOut, string>> = {
  size: 'it is larger than the size limit, on at least one side',
  direction: 'a rule closes the way it would go',
};

function settledText(
  verdict: Extract<Verdict, { type: 'none' | 'adopt' }>,
  { local, remote }: Triple,
  { mode, delete: deletes }: Wishes,
): string {
  if (verdict.leftOut !== undefined) return `nothing is done: ${leftOutTexts[verdict.leftOut]}`;
  if (local === null && remote === null) return 'nothing is done: it is on neither side';
  if (!verdict.kept) {
    return verdict.type === 'adopt'
      ? 'nothing is sent: both sides agree, and the base learns of it'
      : 'nothing is done: both sides are as they were when they last agreed';
  }
  if (verdict.type === 'none' && verdict.drift === true)
    return 'nothing is done: others changed it, and it is kept as they left it';
  if (!mayDelete(mode)) return `nothing is done: mode ${mode} neither deletes nor changes it`;
  const why = deletes
    ? 'the other side lacks it'
    : 'the other side lacks it, and deletions are not asked for';
  return `nothing is done: ${why}`;
}
