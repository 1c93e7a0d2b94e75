/**
 * Names on a side that does not keep all of them apart: file systems that ignore case (APFS, NTFS, exFAT, some SMB shares)
 * and such that keep or compare one Unicode form only (HFS+, APFS). Two names with one key are one file there.
 *
 * Each such side folds by a table of its own. This one is Unicode's full case folding, nearly: where it folds more than
 * the side does, two names of one directory are refused that could both have been kept; never are two files taken for one.
 */
import { TowlineError } from './errors.js';
import type { Child, Listing } from './walk.js';

/** What a side does with names. */
export interface Folding {
  /** `A` finds `a`. */
  readonly foldsCase: boolean;
  /** A name finds what was made under another Unicode form of it; listings may show that form. */
  readonly normalizes: boolean;
}

/** Whether a side with this folding takes some names for one. */
export function folds(folding: Folding | null | undefined): folding is Folding {
  return folding != null && (folding.foldsCase || folding.normalizes);
}

/** What all spellings of one name have in common on a side with this folding. */
export function foldedKey(name: string, { foldsCase, normalizes }: Folding): string {
  const form = (text: string) => (normalizes ? text.normalize('NFC') : text);
  // By character: a capital sigma must not depend on what stands around it. Once more normalized: folding may decompose.
  return foldsCase ? form(Array.from(form(name), foldedCharacter).join('')) : form(name);
}

/** By way of the capital, so that `ß`, `ſ` and `ς` meet `ss`, `s` and `σ`; the dotless i folds to nothing else. */
function foldedCharacter(character: string): string {
  return character === 'ı' ? character : character.toUpperCase().toLowerCase();
}

/** Whether the side could keep `name` in place of `stored`: a difference of Unicode form alone is its own doing. */
export function canBeRespelled(stored: string, name: string, { normalizes }: Folding): boolean {
  return normalizes ? stored.normalize('NFC') !== name.normalize('NFC') : stored !== name;
}

/**
 * Which name of the other side each stored one stands for, where the two are spelled differently. One that the other side
 * spells alike, or lacks, is not in the answer; no name of the other side is given twice.
 */
export function respellings(
  stored: readonly string[],
  names: readonly string[],
  folding: Folding,
): Map<string, string> {
  const alike = new Set(stored);
  const free = new Map<string, string>();
  const known = new Set(names);
  for (const name of names) if (!alike.has(name)) free.set(foldedKey(name, folding), name);
  const found = new Map<string, string>();
  for (const one of stored) {
    if (known.has(one)) continue;
    const key = foldedKey(one, folding);
    const name = free.get(key);
    if (name === undefined) continue;
    free.delete(key);
    found.set(one, name);
  }
  return found;
}

/** Names by their key. */
export function groupsOf(names: readonly string[], folding: Folding): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = foldedKey(name, folding);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  return groups;
}

/** What to say of names that the other side cannot keep apart: nothing is done with any of them. */
export function collision(path: string, names: readonly string[]): TowlineError {
  const all = names.map((name) => JSON.stringify(name)).join(' and ');
  return new TowlineError('name', `'${path}' is not synced: ${all} are one name on the other side`, {
    path,
    hint: 'Rename all but one of them, or exclude them',
  });
}

/** The listing with all of its entries set aside that a side with this folding would take for one another. */
export function separated(listing: Listing, folding: Folding | undefined): Listing {
  if (!folds(folding)) return listing;
  const entries = listing.filter(({ item }) => item.type === 'entry');
  const names = entries.map(({ name }) => name);
  const clashing = new Map<string, string[]>();
  for (const group of groupsOf(names, folding).values()) {
    const spellings = [...new Set(group)];
    if (spellings.length > 1) for (const name of spellings) clashing.set(name, spellings);
  }
  if (clashing.size === 0) return listing;
  return listing.map((child): Child => {
    const clash = child.item.type === 'entry' ? clashing.get(child.name) : undefined;
    if (clash === undefined) return child;
    const { path } = child.item;
    const error = collision(path, clash);
    return { name: child.name, item: { type: 'skipped', path, reason: 'name', error }, enter: false };
  });
}
