/** Sizes as people write them. */

const units = ['', 'k', 'm', 'g', 't'];

/**
 * Bytes of a text such as `800`, `500k`, `1.5M`, `10MiB`, `1G`: multiples of 1024, as rsync's. `null` when it is no size.
 */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([kmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) return null;
  const bytes = Number(match[1]) * 1024 ** units.indexOf(match[2]!.toLowerCase());
  return Number.isSafeInteger(Math.floor(bytes)) ? Math.floor(bytes) : null;
}
