import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything a run printed and left, to be searched for what must not be in it. */
export class Traces {
  readonly #parts: { readonly where: string; readonly bytes: Buffer }[] = [];

  add(where: string, text: string): void {
    this.#parts.push({ where, bytes: Buffer.from(text) });
  }

  /** All regular files below a folder, as bytes: databases and their journals, too. */
  addFolder(where: string, folder: string): void {
    for (const path of pathsBelow(folder)) {
      if (!lstatSync(path).isFile()) continue;
      this.#parts.push({
        where: `${where} ${path}`,
        bytes: Buffer.concat([Buffer.from(path), readFileSync(path)]),
      });
    }
  }

  get bytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Where this text is, as it stands or in a form that anybody could read. */
  holding(secret: string): string[] {
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      Buffer.from(secret).toString('hex'),
      // Without the last characters, which depend on what follows.
      Buffer.from(secret)
        .toString('base64')
        .replace(/.{1,2}=*$/, ''),
      Buffer.from(secret)
        .toString('base64url')
        .replace(/.{1,2}$/, ''),
    ];
    const found = this.#parts.filter(({ bytes }) => forms.some((form) => bytes.includes(form)));
    return found.map(({ where }) => where);
  }
}

/** All that is below a folder, and the folder itself. */
export function pathsBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return [folder, ...names.map((name) => join(folder, name))];
}

/** What others could read or write of what is below a folder: `MODE PATH` each; links have no mode of their own. */
export function openToOthers(folder: string): string[] {
  return pathsBelow(folder).flatMap((path) => {
    const { mode } = lstatSync(path);
    const link = (mode & 0o170000) === 0o120000;
    return link || (mode & 0o077) === 0 ? [] : [`${(mode & 0o777).toString(8)} ${path}`];
  });
}
