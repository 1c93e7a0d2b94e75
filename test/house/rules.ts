/** The rules of the house: docs/architecture.md says what the folders are for, this says it to the machine. */
import { builtinModules } from 'node:module';
import type { Import, Source } from './sources.js';

/** What a place may import of the project beside itself, and why not more. */
interface Place {
  readonly may: readonly string[];
  /** Places of which it may know the types only. */
  readonly mayTypes?: readonly string[];
  readonly why: string;
}

const adapter = 'an adapter knows the core and the contract it fulfils, never another adapter or who uses it';

/** Longest match wins. `core/errors` is one file. */
const places: Readonly<Record<string, Place>> = {
  'src/core': { may: [], why: 'the core decides and touches nothing, so that it can be tested by tables' },
  'src/ports.ts': { may: ['src/core'], why: 'the contracts speak of core things only' },
  'src/storage': { may: ['src/core', 'src/ports.ts'], why: adapter },
  'src/storage/sftp': {
    may: ['src/core', 'src/ports.ts', 'src/storage'],
    mayTypes: ['src/ssh'],
    why: 'the storage is given a channel; who makes it is put together in index.ts',
  },
  'src/ssh': { may: ['src/core', 'src/ports.ts'], why: adapter },
  'src/watch': { may: ['src/core', 'src/ports.ts'], why: adapter },
  'src/state': { may: ['src/core', 'src/ports.ts'], why: adapter },
  'src/transfer': { may: ['src/core', 'src/ports.ts'], why: 'lanes move content between ports' },
  'src/engine': {
    may: ['src/core', 'src/ports.ts', 'src/transfer'],
    why: 'the engine runs on ports, so that the simulation can run it on anything',
  },
  'src/config': { may: ['src/core'], why: 'settings are data' },
  'src/serve': { may: ['src/core', 'src/ports.ts'], why: adapter },
  'src/index.ts': {
    may: [
      'src/core',
      'src/ports.ts',
      'src/storage',
      'src/ssh',
      'src/watch',
      'src/state',
      'src/transfer',
      'src/engine',
      'src/config',
      'src/serve',
    ],
    why: 'the library puts everything together, but for the command line, which is one of its users',
  },
  'src/cli': {
    may: ['src/index.ts', 'src/config', 'src/serve', 'src/core/errors.ts'],
    why: 'the command line is a user of the library',
  },
};

/** The one place that imports each npm package: what the rest sees of it are our own contracts. */
const packagePlaces: Readonly<Record<string, string>> = {
  'better-sqlite3': 'src/state',
  chokidar: 'src/watch',
  commander: 'src/cli',
  conf: 'src/config',
  ignore: 'src/core/filter.ts',
  'p-queue': 'src/engine',
  pino: 'src/cli',
  ssh2: 'src/ssh',
};

const linesMax = 300;

const isIn = (file: string, place: string) => file === place || file.startsWith(`${place}/`);

function placeOf(file: string): string | null {
  const found = Object.keys(places).filter((place) => isIn(file, place));
  return found.sort((a, b) => b.length - a.length)[0] ?? null;
}

const isNode = ({ specifier }: Import) => specifier.startsWith('node:') || builtinModules.includes(specifier);

/** `pkg` of `pkg/sub`, `@scope/pkg` of `@scope/pkg/sub`. */
function packageOf({ specifier }: Import): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

type Rule = (sources: readonly Source[]) => string[];

/** Who may import whom. */
export const importTable: Rule = (sources) =>
  sources.flatMap((source) => {
    const name = placeOf(source.file);
    if (name === null) return [`${source.file}: belongs to no place of the import table`];
    const place = places[name]!;
    return source.imports.flatMap((one) => {
      if (one.file === null || isIn(one.file, name)) return [];
      const allowed = [...place.may, ...(one.typeOnly ? (place.mayTypes ?? []) : [])];
      if (allowed.some((other) => isIn(one.file!, other))) return [];
      return [`${source.file}:${one.line}: ${name} must not import ${one.specifier}: ${place.why}`];
    });
  });

/** Relative imports must name a file that is there. */
export const missingFiles: Rule = (sources) => {
  const files = new Set(sources.map(({ file }) => file));
  return sources.flatMap(({ file, imports }) =>
    imports
      .filter((one) => one.file !== null && !files.has(one.file))
      .map((one) => `${file}:${one.line}: imports ${one.specifier}, which does not exist`),
  );
};

/** Imports in a circle, types included: none of its files can be understood alone. */
export const cycles: Rule = (sources) => {
  const graph = new Map(
    sources.map(({ file, imports }) => [
      file,
      imports.flatMap((one) => (one.file === null ? [] : [one.file])),
    ]),
  );
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      found.push(`import cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' → ')}`);
      return;
    }
    if (finished.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
};

export const barrels: Rule = (sources) =>
  sources.flatMap(({ file, exportAll }) => [
    ...(file.endsWith('/index.ts') && file !== 'src/index.ts'
      ? [`${file}: a barrel hides who uses what; import the file itself`]
      : []),
    ...exportAll.map((line) => `${file}:${line}: 'export *' hides what is exported; name it`),
  ]);

export const defaultExports: Rule = (sources) =>
  sources.flatMap(({ file, defaultExports: lines }) =>
    lines.map(
      (line) => `${file}:${line}: a default export has a different name in every file that imports it`,
    ),
  );

/** One importer per npm package. */
export const packages: Rule = (sources) =>
  sources.flatMap(({ file, imports }) =>
    imports
      .filter((one) => one.file === null && !isNode(one))
      .flatMap((one) => {
        const name = packageOf(one);
        const place = packagePlaces[name];
        if (place === undefined) {
          return [
            `${file}:${one.line}: '${name}' has no place yet: enter it in packagePlaces with the one place that imports it`,
          ];
        }
        return isIn(file, place) ? [] : [`${file}:${one.line}: '${name}' is imported by ${place} only`];
      }),
  );

export const corePurity: Rule = (sources) =>
  sources
    .filter(({ file }) => isIn(file, 'src/core'))
    .flatMap(({ file, imports }) =>
      imports
        .filter((one) => one.file === null && one.specifier !== 'ignore')
        .map(
          (one) => `${file}:${one.line}: the core imports no '${one.specifier}': it is given what it needs`,
        ),
    );

export const processExits: Rule = (sources) =>
  sources
    .filter(({ file }) => !isIn(file, 'src/cli'))
    .flatMap(({ file, processExits: lines }) =>
      lines.map((line) => `${file}:${line}: only the command line ends the process`),
    );

export const mutableState: Rule = (sources) =>
  sources.flatMap(({ file, mutableState: lines }) =>
    lines.map(
      (line) => `${file}:${line}: mutable module state is shared by all who import it; keep it in an object`,
    ),
  );

export const lengths: Rule = (sources) =>
  sources
    .filter(({ lines }) => lines > linesMax)
    .map(
      ({ file, lines }) => `${file}: ${lines} lines (at most ${linesMax}): it holds more than one concept`,
    );

/** Every dependency is used, and everything used is declared. */
export function dependencies(sources: readonly Source[], declared: readonly string[]): string[] {
  const used = new Map<string, string>();
  for (const { file, imports } of sources) {
    for (const one of imports)
      if (one.file === null && !isNode(one)) used.set(packageOf(one), `${file}:${one.line}`);
  }
  return [
    ...declared
      .filter((name) => !used.has(name))
      .map((name) => `package.json: dependency '${name}' is imported nowhere in src`),
    ...[...used]
      .filter(([name]) => !declared.includes(name))
      .map(([name, where]) => `${where}: '${name}' is not among the dependencies of package.json`),
  ];
}
