/** `--chmod`: what permission bits the other side gets, in rsync's way of writing chmod's. */
import type { ModeRule } from './compare.js';
import type { Kind } from './entry.js';
import { TowlineError } from './errors.js';

/** One comma-separated part: the whole mode anew, or some bits of some classes. */
const partPattern = /^([DF]?)(?:([0-7]{3,4})|([ugoa]*)([-+=])([rwxXst]*))$/;

/** The bits a letter stands for in all classes at once, to be cut down to the classes meant. */
const bitsOf: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };
/** The bits of each class: its three permissions and the special bit that goes with it. */
const classBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

const permissionBits = 0o777;
const executeBits = 0o111;

/**
 * Reads a `--chmod` specification: parts separated by commas and applied in turn, each octal (`755`) or symbolic
 * (`u+rwX,go-w`, `a=r`), for directories only after `D`, for files only after `F`. `X` is execution for directories
 * and for files that anybody may execute already. Without a class (`+x`) all classes are meant: no umask is applied,
 * so that a result never depends on who runs us. `=` leaves a directory's set-id and sticky bits alone unless named.
 * @returns a rule for the permission bits (`0o7777` at most); the mode of a symlink is left as it is
 * @throws TowlineError `configuration`, naming the part that cannot be read
 */
export function parseChmod(text: string): ModeRule {
  const changes = text.split(',').map((part) => parsePart(part.trim(), text));
  return (mode, kind) => {
    if (kind === 'symlink') return mode;
    return changes.reduce((changed, change) => change(changed, kind), mode);
  };
}

function parsePart(part: string, text: string): ModeRule {
  const [, only = '', octal, classes = '', operator = '', letters = ''] = partPattern.exec(part) ?? [];
  if (octal === undefined && (operator === '' || (letters === '' && operator !== '='))) {
    throw new TowlineError('configuration', `chmod cannot read '${part}' in '${text}'`, {
      hint: 'Write modes as in D755,F644 or u+rwX,go-w',
    });
  }
  const change = octal === undefined ? symbolic(classes, operator, letters) : () => parseInt(octal, 8);
  return (mode, kind) => (appliesTo(only, kind) ? change(mode, kind) : mode);
}

function appliesTo(only: string, kind: Kind): boolean {
  return only === '' || (only === 'D') === (kind === 'directory');
}

function symbolic(classes: string, operator: string, letters: string): ModeRule {
  const affected = union(classBits, classes === '' ? 'a' : classes);
  const named = union(bitsOf, letters);
  return (mode, kind) => {
    const conditional = letters.includes('X') && (kind === 'directory' || (mode & executeBits) !== 0);
    const bits = (named | (conditional ? executeBits : 0)) & affected;
    if (operator === '+') return mode | bits;
    if (operator === '-') return mode & ~bits;
    const cleared = kind === 'directory' ? affected & permissionBits : affected;
    return (mode & ~cleared) | bits;
  };
}

function union(table: Readonly<Record<string, number>>, letters: string): number {
  return letters.split('').reduce((bits, letter) => bits | (table[letter] ?? 0), 0);
}
