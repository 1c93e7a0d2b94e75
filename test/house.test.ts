/**
 * The rules of the house (DESIGN.md, section 5): who may import whom, and what no file may hold. Each rule is a function
 * from the parsed sources to a list of violations, with the reason in each line; a small bad house shows that it bites.
 */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = dirname(import.meta.dirname);
const linesMax = 300;

/** `path` is relative to src/. */
interface Module {
  readonly path: string;
  readonly source: ts.SourceFile;
  readonly imports: readonly Import[];
}

interface Import {
  /** As written: a relative path, `node:…` or a package. */
  readonly specifier: string;
  readonly typeOnly: boolean;
}

type Rule = (modules: readonly Module[]) => string[];

/** What each part of src may import beside itself, and why. */
const importTable: Record<string, { readonly may: readonly string[]; readonly why: string }> = {
  core: { may: [], why: 'core is pure: it decides, and knows nothing of how the world is read or written' },
  ports: { may: ['core'], why: 'the contracts speak of core’s words and of nothing that implements them' },
  storage: { may: ['core', 'ports'], why: 'an adapter knows its port, and no other adapter' },
  ssh: { may: ['core', 'ports'], why: 'the connection is below everything: nobody’s use of it shows in it' },
  watch: { may: ['core', 'ports'], why: 'an adapter knows its port, and no other adapter' },
  state: { may: ['core', 'ports'], why: 'an adapter knows its port, and no other adapter' },
  transfer: { may: ['core', 'ports'], why: 'lanes carry content between any two storages' },
  rsync: {
    may: ['core', 'ports'],
    why: 'a driver of a program: it knows the storages it is checked by as ports',
  },
  engine: {
    may: ['core', 'ports', 'transfer'],
    why: 'the engine runs on ports, so that it runs on fakes too',
  },
  config: { may: ['core'], why: 'settings are data' },
  serve: {
    may: ['core', 'ports', 'system-clock'],
    why: 'what is shown to the outside is handed in: it serves any agent, and knows of no engine',
  },
  pairs: {
    may: ['core', 'config', 'engine', 'remote', 'serve', 'state'],
    why: 'how a pair is doing is asked of its agent or read from its state; nothing of it is run',
  },
  conflicts: {
    may: ['core', 'engine', 'state'],
    why: 'a decision is written into the state of a stopped pair; nothing of it is run',
  },
  remote: {
    may: ['core', 'ports', 'config', 'storage', 'ssh', 'serve', 'system-clock'],
    why: 'what a remote’s name means: it knows the adapters behind each kind, and nothing of pairs and agents',
  },
  'system-clock': { may: ['ports'], why: 'it is the smallest adapter of all' },
  compose: {
    may: [
      'core',
      'ports',
      'remote',
      'storage',
      'ssh',
      'watch',
      'state',
      'transfer',
      'engine',
      'rsync',
      'config',
      'serve',
      'system-clock',
    ],
    why: 'the one place that knows the real adapters; it does not know that there is a command line',
  },
  library: {
    may: [
      'compose',
      'remote',
      'core',
      'ports',
      'config',
      'transfer',
      'engine',
      'ssh',
      'storage/memory',
      'system-clock',
    ],
    why: 'what programs are given: options, limits, storages, and an agent with events, over what compose puts together',
  },
  session: {
    may: [
      'compose/shielded',
      'compose/to-close',
      'core',
      'ports',
      'remote',
      'library',
      'ssh',
      'storage',
      'state',
      'transfer',
      'engine',
      'config',
      'system-clock',
    ],
    why: 'the same composition for single files: it puts adapters together, and knows neither agent nor command line',
  },
  diagnose: {
    may: [
      'core',
      'ports',
      'storage',
      'ssh',
      'state',
      'engine',
      'config',
      'serve',
      'system-clock',
      'library/sync-options',
    ],
    why: 'it looks at each adapter by itself, ahead of any agent; that it changes nothing is easier to see where it runs none',
  },
  explain: {
    may: [
      'compose',
      'core',
      'ports',
      'remote',
      'storage',
      'state',
      'transfer',
      'engine',
      'config',
      'library/sync-options',
    ],
    why: 'what is known of one path: it looks at both sides and into the state, with nothing that could change them',
  },
  index: {
    may: [
      'compose',
      'conflicts',
      'explain',
      'session',
      'library',
      'remote',
      'pairs',
      'diagnose',
      'core',
      'config',
      'engine',
      'ports',
      'ssh',
    ],
    why: 'the public API: calls and types, over what compose puts together',
  },
  cli: {
    may: ['index', 'config', 'serve', 'core/errors', 'core/pace'],
    why: 'the command line is a user of the library: what it needs, a program needs too',
  },
};

/** The one place that imports a package: a folder, or a file. */
const packageTable: Record<string, string> = {
  ssh2: 'ssh',
  'ssh-config': 'ssh',
  webdav: 'storage/webdav',
  chokidar: 'watch',
  'better-sqlite3': 'state',
  'p-queue': 'engine',
  ignore: 'core/filter',
  conf: 'config',
  commander: 'cli',
  'log-update': 'cli',
  pino: 'cli',
};

// ------------------------------------------------------------------------------------------------- reading

function parse(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, source, imports: importsOf(source) };
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, typeOnly });
  };
  visit(source, (node) => {
    if (ts.isImportDeclaration(node)) {
      // `import { type A } from` is none: with verbatimModuleSyntax the module is loaded all the same.
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (ts.isExternalModuleReference(node)) add(node.expression, false);
    else if (ts.isCallExpression(node) && isImportCall(node)) add(node.arguments[0], false);
  });
  return found;
}

function isImportCall({ expression }: ts.CallExpression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  const name = ts.isPropertyAccessExpression(expression) ? expression.expression : expression;
  return ts.isIdentifier(name) && name.text === 'require';
}

function visit(node: ts.Node, callback: (node: ts.Node) => void): void {
  callback(node);
  ts.forEachChild(node, (child) => visit(child, callback));
}

/** The path within src/ a relative import leads to; `null` for packages. */
function targetOf(module: Module, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.join(posix.dirname(module.path), specifier).replace(/\.js$/, '.ts');
}

function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** The folder, or the file that stands in src/ itself; the contracts may be several files: `ports`, `ports-…`. */
function zoneOf(path: string): string {
  if (/^ports(-[a-z]+)*\.ts$/.test(path)) return 'ports';
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '');
}

function isInPlace(path: string, place: string): boolean {
  return zoneOf(path) === place || path === `${place}.ts` || path.startsWith(`${place}/`);
}

function lineOf(source: ts.SourceFile, node: ts.Node): string {
  return `src/${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
}

// ------------------------------------------------------------------------------------------------- rules

const importsByTheTable: Rule = (modules) =>
  modules.flatMap((module) => {
    const zone = zoneOf(module.path);
    const rule = importTable[zone];
    if (rule === undefined) return [`src/${module.path}: '${zone}' has no place in the import table`];
    return module.imports.flatMap(({ specifier, typeOnly }) => {
      const target = targetOf(module, specifier);
      if (target === null || zoneOf(target) === zone) return [];
      if (rule.may.some((place) => isInPlace(target, place))) return [];
      if (module.path.startsWith('storage/sftp/') && zoneOf(target) === 'ssh' && typeOnly) return [];
      const also = module.path.startsWith('storage/sftp/') ? ' (and types of ssh)' : '';
      return [
        `src/${module.path} imports src/${target}, but ${zone} imports only ` +
          `${['itself', ...rule.may].join(', ')}${also}: ${rule.why}`,
      ];
    });
  });

const noCycles: Rule = (modules) => {
  const edges = new Map(
    modules.map((module) => [
      module.path,
      module.imports.map(({ specifier }) => targetOf(module, specifier)).filter((target) => target !== null),
    ]),
  );
  const finished = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at !== -1) {
      found.push(`cycle: ${[...trail.slice(at), path].join(' → ')}: none of these can be understood alone`);
    } else if (!finished.has(path)) {
      for (const target of edges.get(path) ?? []) walk(target, [...trail, path]);
      finished.add(path);
    }
  };
  for (const path of edges.keys()) walk(path, []);
  return found;
};

const noBarrels: Rule = (modules) =>
  modules.flatMap(({ path, source }) => {
    const reason = 'an import names the file that holds what it wants';
    const found: string[] = [];
    if (posix.basename(path) === 'index.ts' && path !== 'index.ts')
      found.push(`src/${path} is a barrel: ${reason}`);
    const reExports = source.statements.filter(
      (one) => ts.isExportDeclaration(one) && one.moduleSpecifier !== undefined,
    );
    for (const one of reExports as ts.ExportDeclaration[]) {
      if (one.exportClause === undefined || ts.isNamespaceExport(one.exportClause)) {
        found.push(`${lineOf(source, one)}: 'export *' hides what comes from where: ${reason}`);
      }
    }
    if (path !== 'index.ts' && reExports.length > 0 && reExports.length === source.statements.length) {
      found.push(`src/${path} only exports again what others hold: ${reason}`);
    }
    return found;
  });

const noDefaultExports: Rule = (modules) =>
  modules.flatMap(({ source }) => {
    const found: string[] = [];
    visit(source, (node) => {
      const isDefault =
        (ts.isExportAssignment(node) && ts.isSourceFile(node.parent)) ||
        node.kind === ts.SyntaxKind.DefaultKeyword ||
        (ts.isExportSpecifier(node) && node.name.text === 'default');
      // `default:` of a switch is a clause, not a keyword node: only modifiers come here.
      if (isDefault)
        found.push(`${lineOf(source, node)}: default export: a thing has one name wherever it is used`);
    });
    return found;
  });

const onePlacePerPackage: Rule = (modules) =>
  modules.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier }) => {
      const name = packageOf(specifier);
      if (name === null) return [];
      const place = packageTable[name];
      if (place === undefined)
        return [`src/${path} imports '${name}', which has no place in the package table`];
      if (isInPlace(path, place)) return [];
      return [
        `src/${path} imports '${name}': only src/${place} does, so that it can be replaced in one place`,
      ];
    }),
  );

const pureCore: Rule = (modules) =>
  modules
    .filter(({ path }) => zoneOf(path) === 'core')
    .flatMap(({ path, source, imports }) => {
      const reason = 'core sees no clock, no disk, no process: what it needs is passed in';
      const found = imports
        .filter(({ specifier }) => !specifier.startsWith('.') && specifier !== 'ignore')
        .map(({ specifier }) => `src/${path} imports '${specifier}': ${reason}`);
      visit(source, (node) => {
        if (usesTheWorld(node)) found.push(`${lineOf(source, node)}: '${node.getText(source)}': ${reason}`);
      });
      return found;
    });

const worldly =
  /^(Date\.now|Math\.random|(globalThis\.)?(setTimeout|setInterval|setImmediate|queueMicrotask|fetch)|process|performance|console|crypto)$/;

function usesTheWorld(node: ts.Node): boolean {
  if (ts.isNewExpression(node))
    return node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0;
  if (ts.isCallExpression(node)) return worldly.test(node.expression.getText());
  return (
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    worldly.test(node.expression.text)
  );
}

const exitOnlyInCli: Rule = (modules) =>
  modules
    .filter(({ path }) => zoneOf(path) !== 'cli')
    .flatMap(({ source }) => {
      const found: string[] = [];
      visit(source, (node) => {
        const text =
          ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)
            ? node.getText(source)
            : '';
        if (!/^process\s*(\.\s*|\[\s*['"])(exit|exitCode|abort|reallyExit)\b/.test(text)) return;
        found.push(`${lineOf(source, node)}: only src/cli ends the process: a library throws`);
      });
      return found;
    });

const noModuleState: Rule = (modules) =>
  modules.flatMap(({ source }) => {
    const reason = 'module state is shared by everybody and cleared by nobody: give it to an object';
    const found = source.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => {
      const bad = declarationList.declarations.filter((one) => isMutable(one, declarationList.flags));
      return bad.map((one) => `${lineOf(source, one)}: '${one.name.getText(source)}': ${reason}`);
    });
    visit(source, (node) => {
      if (!ts.isPropertyDeclaration(node)) return;
      const kinds = (node.modifiers ?? []).map(({ kind }) => kind);
      if (!kinds.includes(ts.SyntaxKind.StaticKeyword) || kinds.includes(ts.SyntaxKind.ReadonlyKeyword))
        return;
      found.push(`${lineOf(source, node)}: static '${node.name.getText(source)}': ${reason}`);
    });
    return found;
  });

/** `let` and `var`, and constants that begin empty: they can only be there to be filled. */
function isMutable({ initializer }: ts.VariableDeclaration, flags: ts.NodeFlags): boolean {
  if ((flags & ts.NodeFlags.Const) === 0) return true;
  if (initializer === undefined) return false;
  if (ts.isNewExpression(initializer)) {
    return (
      /^(Weak)?(Map|Set)$/.test(initializer.expression.getText()) &&
      (initializer.arguments?.length ?? 0) === 0
    );
  }
  if (ts.isArrayLiteralExpression(initializer)) return initializer.elements.length === 0;
  return ts.isObjectLiteralExpression(initializer) && initializer.properties.length === 0;
}

const shortFiles: Rule = (modules) =>
  modules.flatMap(({ path, source }) => {
    const lines = source.text.replace(/\n$/, '').split('\n').length;
    return lines <= linesMax
      ? []
      : [`src/${path} has ${lines} lines, more than ${linesMax}: a file has one concept`];
  });

// ------------------------------------------------------------------------------------------------- tests

const modules = globSync('**/*.{ts,tsx,mts,cts}', { cwd: join(root, 'src') })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .map((path) => parse(path, readFileSync(join(root, 'src', path), 'utf8')));

interface Case {
  readonly name: string;
  readonly rule: Rule;
  /** A house that breaks the rule once per file named in `found`, and one file that does not break it. */
  readonly bad: Record<string, string>;
  readonly found: readonly string[];
}

const cases: Case[] = [
  {
    name: 'imports follow the table',
    rule: importsByTheTable,
    bad: {
      'core/a.ts': "import type { Storage } from '../ports.js';",
      'core/b.ts': "import type { State } from '../ports-state.js';",
      'engine/fine.ts': "import type { State } from '../ports-state.js';",
      'engine/a.ts': "const { x } = await import('../state/open.js');",
      'storage/local/a.ts': "type A = import('../../ssh/channel.js').A;",
      'storage/sftp/a.ts': "import { type A } from '../../ssh/channel.js';",
      'storage/sftp/fine.ts': "import type { A } from '../../ssh/channel.js';",
      'cli/a.ts': "export { decide } from '../core/mode.js';",
      'cli/fine.ts': "import { TowlineError } from '../core/errors.js';",
      'index.ts': "import { start } from './cli/start.js';",
      'util/a.ts': '',
    },
    found: ['core/a', 'core/b', 'engine/a', 'storage/local/a', 'storage/sftp/a', 'cli/a', 'index', 'util/a'],
  },
  {
    name: 'no cycles, not even of types',
    rule: noCycles,
    bad: {
      'core/a.ts': "import type { B } from './b.js';",
      'core/b.ts': "import { C } from './c.js';",
      'core/c.ts': "export { A } from './a.js';",
      'core/fine.ts': "import './a.js';",
    },
    found: ['core/a.ts → core/b.ts → core/c.ts → core/a.ts'],
  },
  {
    name: 'no barrels',
    rule: noBarrels,
    bad: {
      'index.ts': "export { a } from './core/a.js';",
      'core/index.ts': 'export const a = 1;',
      'core/all.ts': "export * from './a.js'; export const b = 1;",
      'core/only.ts': "export { a } from './a.js'; export type { B } from './b.js';",
    },
    found: ['core/index', 'core/all', 'core/only'],
  },
  {
    name: 'no default exports',
    rule: noDefaultExports,
    bad: {
      'core/a.ts': 'export default class A {}',
      'core/b.ts': 'const b = 1; export default b;',
      'core/c.ts': 'const c = 1; export { c as default };',
      'core/fine.ts': "import Database from 'x'; switch (1) { default: break; }",
    },
    found: ['core/a', 'core/b', 'core/c'],
  },
  {
    name: 'one importing place per package',
    rule: onePlacePerPackage,
    bad: {
      'storage/sftp/a.ts': "import type { SFTPWrapper } from 'ssh2';",
      'core/path.ts': "import ignore from 'ignore';",
      'core/filter.ts': "import ignore from 'ignore';",
      'engine/a.ts': "import _ from 'lodash/fp';",
    },
    found: ['storage/sftp/a', 'core/path', 'lodash'],
  },
  {
    name: 'core is pure',
    rule: pureCore,
    bad: {
      'core/a.ts': "import { join } from 'node:path';",
      'core/b.ts': 'export const now = () => Date.now();',
      'core/c.ts': 'export const now = () => new Date();',
      'core/d.ts': 'export const home = () => process.env.HOME;',
      'core/e.ts': 'export const roll = () => Math.random();',
      'core/fine.ts':
        "import ignore from 'ignore'; export const at = (ms: number) => new Date(ms).toISOString();",
      'engine/fine.ts': "import { join } from 'node:path';",
    },
    found: ['core/a', 'core/b', 'core/c', 'core/d', 'core/e'],
  },
  {
    name: 'only the command line ends the process',
    rule: exitOnlyInCli,
    bad: {
      'engine/a.ts': 'export const end = () => process.exit(1);',
      'state/a.ts': "export const end = () => process['exit'](1);",
      'cli/fine.ts': 'export const end = () => process.exit(1);',
      'ssh/fine.ts': 'export const ended = (child: { exitCode: number }) => child.exitCode;',
    },
    found: ['engine/a', 'state/a'],
  },
  {
    name: 'no mutable module state',
    rule: noModuleState,
    bad: {
      'core/a.ts': 'let count = 0;',
      'core/b.ts': 'export var count = 0;',
      'core/c.ts': 'const cache = new Map<string, number>();',
      'core/d.ts': 'class A { static count = 0; }',
      'core/fine.ts':
        "const kinds = new Set(['a']); for (let i = 0; i < 1; i++) { let j = i; } class A { #n = 0; }",
    },
    found: ['core/a', 'core/b', 'core/c', 'core/d'],
  },
  {
    name: `no file is longer than ${linesMax} lines`,
    rule: shortFiles,
    bad: { 'core/a.ts': '//\n'.repeat(linesMax + 1), 'core/fine.ts': '//\n'.repeat(linesMax) },
    found: ['core/a'],
  },
];

describe('the house', () => {
  test.each(cases)('$name', ({ rule }) => {
    expect(rule(modules)).toEqual([]);
  });

  test('every package that runs is imported, and every imported package is declared', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const imported = new Set(
      modules.flatMap(({ imports }) =>
        imports.map(({ specifier }) => packageOf(specifier)).filter((name) => name !== null),
      ),
    );
    expect({
      declaredButNotImported: Object.keys(dependencies).filter((name) => !imported.has(name)),
      importedButNotDeclared: [...imported].filter((name) => !(name in dependencies)),
    }).toEqual({ declaredButNotImported: [], importedButNotDeclared: [] });
  });

  test('the tests mirror src', () => {
    const strangers = readdirSync(join(root, 'test'), { withFileTypes: true }).filter(({ name }) => {
      if (['contract', 'docs', 'sim', 'e2e', 'support', 'house.test.ts'].includes(name)) return false;
      return !existsSync(join(root, 'src', name.replace(/\.test\.ts$/, '.ts')));
    });
    expect(strangers.map(({ name }) => `test/${name} stands for nothing in src`)).toEqual([]);
  });
});

describe('the rules bite', () => {
  test.each(cases)('$name', ({ rule, bad, found }) => {
    const violations = rule(Object.entries(bad).map(([path, text]) => parse(path, text)));
    expect(violations).toHaveLength(found.length);
    found.forEach((text, index) => expect(violations[index]).toContain(text));
  });
});
