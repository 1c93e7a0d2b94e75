/** The lines of TypeScript in the README and the pages under docs: they mean what the library means now. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
// What library.md shows is cut from examples/, which are checked as they are; the reference shows no programs.
const pages = globSync('{README.md,docs/*.md}', { cwd: root }).filter((name) => !name.endsWith('library.md'));

/** Each block as a module, by a name that says where it stands. */
const snippets = new Map(
  pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(
      ([, code], index) => [join(root, `${page}.${String(index + 1)}.ts`), code!] as const,
    );
  }),
);

/** What the compiler says about the snippets, with the settings of this project. */
function complaints(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // A snippet may show more than it uses.
  const options = { ...parsed.options, noUnusedLocals: false };
  const host = ts.createCompilerHost(options);
  const withSnippets: ts.CompilerHost = {
    ...host,
    getSourceFile: (path, target, ...more) => {
      const text = files.get(path);
      return text === undefined
        ? host.getSourceFile(path, target, ...more)
        : ts.createSourceFile(path, text, target, true);
    },
  };
  const program = ts.createProgram([...files.keys()], options, withSnippets);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) =>
        `${path.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

test('they type-check', () => {
  expect(snippets.size).toBeGreaterThan(0);
  expect(complaints(snippets)).toEqual([]);
});

test('the check bites', () => {
  const wrong =
    "import { sync } from 'towline';\nawait sync({ local: '.', remote: 'box:x', delte: true });\n";
  expect(complaints(new Map([[join(root, 'wrong.ts'), wrong]]))).toEqual([
    expect.stringContaining("'delte' does not exist"),
  ]);
});
