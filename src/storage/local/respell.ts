/** On a file system that folds names: gives what it keeps under one spelling another one. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { TowlineError } from '../../core/errors.js';
import { nameOf } from '../../core/path.js';
import { asideOf } from '../../core/tempname.js';
import { checkName } from '../checked.js';
import { attempt } from './errors.js';
import { withPlace, type Place, type Root } from './place.js';
import { clearAside } from './removal.js';

/**
 * See `Storage.respell`. macOS and Windows rename in one step; Linux says that it did and keeps the old spelling: there it
 * goes by way of the temp's aside, so that no call names both spellings.
 */
export async function respellLocal(root: Root, path: string, stored: string, temp: string): Promise<void> {
  for (const name of [stored, temp]) checkName(name);
  const shown = join(root.path, path);
  const doing = 'give its new spelling to';
  await withPlace(root, path, (place) => {
    attempt(doing, shown, () => renameSync(place.beside(stored), place.at));
    if (isListed(place, path)) return;
    const aside = place.beside(asideOf(temp));
    attempt(doing, shown, () => {
      mkdirSync(aside, 0o700);
      try {
        renameSync(place.beside(stored), `${aside}/${nameOf(path)}`);
      } finally {
        // From the aside it goes to its place, under the name that it has there.
        clearAside(root, place.beside, temp);
      }
    });
    if (isListed(place, path)) return;
    const what = `cannot ${doing} ${shown}: the file system goes on spelling it ${JSON.stringify(stored)}`;
    throw new TowlineError('unsupported', what, { path: shown });
  });
}

function isListed({ beside }: Place, path: string): boolean {
  // The Unicode form of a listing is the file system's own affair.
  const wanted = nameOf(path).normalize('NFC');
  return readdirSync(beside('')).some((name) => name.normalize('NFC') === wanted);
}
