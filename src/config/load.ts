/** The configuration of a command: a file (towline.json or a profile) and the environment over it. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { readEnvironment, variableOf } from './environment.js';
import { pointerPart } from './json-text.js';
import type { CommandOptions, PairOptions } from './options.js';
import { type ConfigProblem, ConfigurationError } from './problems.js';
import { profilesSchema, settingsSchema } from './schema.js';
import { type SettingsOptions, settingsToOptions } from './settings.js';
import { type Store, readStore } from './store.js';
import { reachOf } from './trust.js';
import { fileProblems } from './violations.js';

/** What decides which configuration is meant. */
export interface ConfigurationPlace {
  /** The working directory: towline.json is looked for here, and relative paths of the environment begin here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--profile`: instead of towline.json, this profile of the user's own file. */
  readonly profile?: string | undefined;
}

/** What was found: options that were set nowhere are absent. */
export interface Configuration {
  readonly pair: Partial<PairOptions>;
  readonly command: CommandOptions;
  /** The file that was read; `null` when there is none. */
  readonly file: string | null;
  /** What a towline.json (not a profile of the user's own) reaches for beyond its folder: see `reachOf`. */
  readonly reach: readonly string[];
}

/** The file of a project, in its working directory. */
export const projectFileName = 'towline.json';

/** Where the user's own profiles are kept: `$XDG_CONFIG_HOME/towline/config.json`, below `~/.config` by default. */
export function profilesFile(env: ConfigurationPlace['env']): string {
  const xdg = env.XDG_CONFIG_HOME;
  // A relative one is ignored, as the XDG Base Directory Specification asks.
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homeOf(env), '.config');
  return join(base, 'towline', 'config.json');
}

/**
 * Reads the configuration. Nothing is written, made or changed.
 * @throws ConfigurationError naming all mistakes at once: of the file that is used (of a file of profiles: outside of
 * the other profiles) and of the environment
 */
export async function loadConfiguration(place: ConfigurationPlace): Promise<Configuration> {
  const profile = place.profile ?? (place.env.TOWLINE_PROFILE || undefined);
  const file = profile === undefined ? await projectOptions(place) : await profileOptions(profile, place);
  const environment = environmentOptions(place);
  const problems = [...(file?.problems ?? []), ...environment.problems];
  if (problems.length > 0) throw new ConfigurationError(problems);
  // TOWLINE_PASSWORD itself is read where it is needed, and kept nowhere.
  const bare = (place.env.TOWLINE_PASSWORD ?? '') !== '';
  const filePair = bare ? withoutPassword(file?.pair ?? {}) : (file?.pair ?? {});
  return {
    pair: mergePairs(filePair, environment.pair),
    command: { ...file?.command, ...environment.command },
    file: file?.file ?? null,
    reach: profile === undefined ? reachOf(file?.pair ?? {}, place.cwd) : [],
  };
}

/**
 * `over` on top of `under`. Filter rules add up: the last one that matches decides, so those of `over` come last. Of the two
 * ways to give a password, `over` has the say.
 */
export function mergePairs<T extends Partial<PairOptions>>(
  under: Partial<PairOptions>,
  over: T,
): Partial<PairOptions> & T {
  const rules = [...(under.rules ?? []), ...(over.rules ?? [])];
  const kept = 'passwordFile' in over || 'passwordCommand' in over ? withoutPassword(under) : under;
  return { ...kept, ...over, ...(rules.length > 0 ? { rules } : {}) };
}

function withoutPassword(pair: Partial<PairOptions>): Partial<PairOptions> {
  const names: readonly string[] = ['passwordFile', 'passwordCommand'];
  return Object.fromEntries(Object.entries(pair).filter(([name]) => !names.includes(name)));
}

type FileOptions = SettingsOptions & { readonly file: string };

async function projectOptions(place: ConfigurationPlace): Promise<FileOptions | null> {
  const file = join(place.cwd, projectFileName);
  const store = await readStore(file, settingsSchema);
  return store === null ? null : fileOptions(file, store, '', store.value, place);
}

async function profileOptions(profile: string, place: ConfigurationPlace): Promise<FileOptions> {
  const file = profilesFile(place.env);
  const store = await readStore(file, profilesSchema);
  if (store === null) {
    const hint = `Make it, such as ${JSON.stringify(exampleProfiles(profile))}`;
    const wrong = `there is no such file, which should hold the profile '${profile}'`;
    throw new ConfigurationError([{ place: file, key: '', wrong, hint }]);
  }
  const profiles = memberOf(store.value, 'profiles');
  const settings = memberOf(profiles, profile);
  const pointer = `/profiles/${pointerPart(profile)}`;
  if (settings === undefined && isObject(profiles))
    throw unknownProfile(file, profile, Object.keys(profiles));
  return fileOptions(file, store, pointer, settings, place);
}

function exampleProfiles(profile: string): object {
  return { profiles: { [profile]: { local: '/srv/app', remote: 'dev@box:/srv/app' } } };
}

function unknownProfile(file: string, profile: string, known: readonly string[]): ConfigurationError {
  const names = known.map((name) => `'${name}'`).join(', ');
  const hint = known.length === 0 ? 'It holds no profiles' : `Known profiles: ${names}`;
  return new ConfigurationError([{ place: file, key: '', wrong: `there is no profile '${profile}'`, hint }]);
}

/** The options of the settings that stand at `pointer` of a file. */
function fileOptions(
  file: string,
  store: Store,
  pointer: string,
  settings: unknown,
  { cwd, env }: ConfigurationPlace,
): FileOptions {
  const report = fileProblems(file, store, pointer);
  const right = isObject(settings)
    ? Object.entries(settings).filter(([key]) => !report.wrongKeys.has(key))
    : [];
  // What is left of the settings follows the schema.
  const options = settingsToOptions(Object.fromEntries(right), {
    folder: pointer === '' ? cwd : join(file, '..'),
    home: homeOf(env),
    name: file,
    placeOf: (key) => report.placeOf(key),
  });
  const problems = [...report.problems, ...options.problems];
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return { ...options, file, problems };
}

function environmentOptions({ cwd, env }: ConfigurationPlace): SettingsOptions {
  const { settings, problems } = readEnvironment(env);
  const options = settingsToOptions(settings, {
    folder: cwd,
    home: homeOf(env),
    name: 'the environment',
    placeOf: (key) => ({ place: variableOf(key), key: '' }),
  });
  const all: readonly ConfigProblem[] = [...problems, ...options.problems];
  return { ...options, problems: all };
}

function homeOf(env: ConfigurationPlace['env']): string {
  return env.HOME ?? homedir();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of its own: a profile `constructor` is one only when the file says so. */
function memberOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
