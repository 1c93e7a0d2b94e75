/** What a schema and a scanner found wrong in a file, as problems for people. */
import { pointerKeys, pointerPart } from './json-text.js';
import { nearestName } from './nearest.js';
import { type ConfigProblem, namesSecret, notAllowed, type ProblemPlace, secretRefused } from './problems.js';
import type { Store, Violation } from './store.js';

export interface FileReport {
  readonly problems: readonly ConfigProblem[];
  /** The keys of the settings that are not as they should be. */
  readonly wrongKeys: ReadonlySet<string>;
  /** Where a key of the settings stands. */
  placeOf(key: string): ProblemPlace;
}

/**
 * The problems of a file that concern the settings at `root` (a JSON pointer): all but those in other members of the
 * same object, which are other profiles.
 */
export function fileProblems(file: string, store: Store, root: string): FileReport {
  const siblings = root.slice(0, root.lastIndexOf('/') + 1);
  const concerns = (pointer: string) =>
    isWithin(pointer, root) || siblings === '' || !pointer.startsWith(siblings);
  const violations = distinct(store.violations).filter((one) => concerns(pointerOf(one)));
  const duplicates = store.text.duplicates.filter(concerns);
  const placeOf = (pointer: string) => ({
    place: file,
    line: lineNear(store, pointer),
    key: dotted(pointer),
  });
  return {
    problems: [
      ...violations.map((one) => ({ ...placeOf(pointerOf(one)), ...saidOf(one) })),
      ...duplicates.map((pointer) => ({ ...placeOf(pointer), ...saidTwice })),
    ],
    wrongKeys: new Set(
      violations.flatMap((one) =>
        isWithin(one.pointer, root) ? pointerKeys(pointerOf(one).slice(root.length)).slice(0, 1) : [],
      ),
    ),
    placeOf: (key) => placeOf(`${root}/${pointerPart(key)}`),
  };
}

function isWithin(pointer: string, root: string): boolean {
  return pointer === root || pointer.startsWith(`${root}/`);
}

/** The pointer of the key that is wrong, also when it is missing or unknown. */
function pointerOf({ pointer, missing, unknown }: Violation): string {
  const key = missing ?? unknown;
  return key === undefined ? pointer : `${pointer}/${pointerPart(key)}`;
}

/** A value can be wrong in several ways; one line says what is allowed. */
function distinct(violations: readonly Violation[]): Violation[] {
  return [...new Map(violations.map((one) => [pointerOf(one), one])).values()];
}

const saidTwice = { wrong: 'stands here more than once', hint: 'Remove all but one' };

function saidOf({ value, schema, missing, unknown }: Violation): Pick<ConfigProblem, 'wrong' | 'hint'> {
  const known = schema.properties ?? {};
  if (missing !== undefined) {
    return { wrong: 'is missing', hint: `Allowed: ${known[missing]?.description ?? schema.description}` };
  }
  if (unknown === undefined) return notAllowed(value, schema.description);
  if (namesSecret(unknown)) return secretRefused;
  const near = nearestName(unknown, Object.keys(known));
  const hint = near === null ? `Known: ${Object.keys(known).join(', ')}` : `Did you mean ${near}?`;
  return { wrong: 'is not a known setting', hint };
}

/** The line of a key, or of what holds it. */
function lineNear({ text }: Store, pointer: string): number {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const line = text.lineOf(at);
    if (line !== undefined) return line;
  }
  return text.lineOf('') ?? 1;
}

function dotted(pointer: string): string {
  return pointerKeys(pointer).join('.');
}
