/** The known name that somebody probably meant. */

/** Two names that differ only in this are the same to a person: `accept-new`, `ACCEPT_NEW`, `acceptNew`. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ .]/g, '');
}

/** How many letters have to be put in, taken out, replaced or swapped with the next to make `b` of `a` (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

const lengthMax = 40;
/** From this length on the beginning of a name means that name. */
const beginningMin = 4;

/** The name of `known` nearest to `given`; `null` when none is near: a third of the letters may be wrong. */
export function nearestName(given: string, known: readonly string[]): string | null {
  const wanted = bare(given);
  if (wanted.length > lengthMax) return null;
  const all = known.map((name) => ({ name, away: distance(wanted, bare(name)) }));
  const best = all.sort((a, b) => a.away - b.away)[0];
  if (best !== undefined && best.away <= Math.max(1, Math.floor(wanted.length / 3))) return best.name;
  if (wanted.length < beginningMin) return null;
  return known.find((name) => bare(name).startsWith(wanted)) ?? null;
}
