/** The settings as `ssh -G` prints them: lower-case keys, each with its values in order. */
export type Settings = ReadonlyMap<string, readonly string[]>;

/** Parses the output of `ssh -G`: one `key value` per line, some keys several times. Lines of one word are left out. */
export function parseSettings(output: string): Settings {
  const settings = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    const blank = line.indexOf(' ');
    if (blank <= 0) continue;
    const key = line.slice(0, blank).toLowerCase();
    const values = settings.get(key) ?? [];
    values.push(line.slice(blank + 1).trim());
    settings.set(key, values);
  }
  return settings;
}

/** The first value of a key; `null` where it is missing, empty or `none`. */
export function textOf(settings: Settings, key: string): string | null {
  const value = settings.get(key)?.[0] ?? '';
  return value === '' || value === 'none' ? null : value;
}

/** A number; `null` where it is missing or none. */
export function numberOf(settings: Settings, key: string): number | null {
  const value = textOf(settings, key);
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}

/** A switch, printed as `yes` or `true` by one version or another. */
export function switchOf(settings: Settings, key: string, fallback: boolean): boolean {
  const value = textOf(settings, key);
  return value === null ? fallback : value === 'yes' || value === 'true';
}

/** A list that is printed with commas. */
export function listOf(settings: Settings, key: string): string[] {
  return (textOf(settings, key) ?? '').split(',').filter((item) => item !== '');
}

/** Paths that are printed with a line for each. */
export function filesOf(settings: Settings, key: string): string[] {
  return (settings.get(key) ?? []).filter((path) => path !== '' && path !== 'none');
}

/**
 * Paths printed on one line, separated by blanks and not quoted even where they hold blanks: a word that does not begin
 * like a path belongs to the one ahead of it.
 */
export function pathsOf(settings: Settings, key: string): string[] {
  const paths: string[] = [];
  for (const word of (settings.get(key)?.[0] ?? '').split(' ')) {
    const last = paths.at(-1);
    if (last === undefined || beginsPath(word) || !beginsPath(last)) paths.push(word);
    else paths[paths.length - 1] = `${last} ${word}`;
  }
  return paths.filter((path) => path !== '' && path !== 'none');
}

function beginsPath(word: string): boolean {
  return /^(?:[/~%]|\$\{|[A-Za-z]:[\\/])/.test(word) || word === 'none';
}
