/** Errors name the path or the host they are about: whoever reads one must not have to guess. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const src = join(dirname(dirname(import.meta.dirname)), 'src');

/** They are about arguments, about us, or about a stop: there is no path. */
const aboutNoPath = new Set(['configuration', 'internal', 'interrupted']);

/** Where there is neither path nor host to name, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'pairs.ts': 'an answer of an agent, whose pair the caller named',
  'cli/control.ts': 'no agent at all',
  'cli/prompt.ts': 'the terminal, of which there is one',
  'rsync/installed.ts': 'a program of this machine, of which there is one',
  'storage/memory/tree.ts': 'the disk of a fake',
  'engine/agent.ts': 'the link ended, and its own error names the host',
};

function bareErrors(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isNewExpression(node) || node.expression.getText(source) !== 'TowlineError') return;
    const [code, , details]: readonly (ts.Expression | undefined)[] = node.arguments ?? [];
    if (code === undefined || (ts.isStringLiteral(code) && aboutNoPath.has(code.text))) return;
    // Details that are made elsewhere are not looked into.
    if (details !== undefined && !ts.isObjectLiteralExpression(details)) return;
    const properties = details === undefined ? [] : [...details.properties];
    const names = properties.map((one) => (ts.isSpreadAssignment(one) ? '...' : one.name.getText(source)));
    if (names.some((name) => ['path', 'host', '...'].includes(name))) return;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    found.push(`src/${path}:${String(line + 1)}: names neither path nor host`);
  };
  visit(source);
  return found;
}

test('every error names a path or a host, unless it is about neither', () => {
  const files = globSync('**/*.ts', { cwd: src }).filter((path) => !(path in exceptions));
  expect(files.flatMap((path) => bareErrors(path, readFileSync(join(src, path), 'utf8')))).toEqual([]);
});

test('the rule bites', () => {
  expect(bareErrors('a.ts', "throw new TowlineError('exists', 'x', { hint: 'y' });")).toHaveLength(1);
  expect(bareErrors('a.ts', "throw new TowlineError('exists', 'x');")).toHaveLength(1);
  expect(bareErrors('a.ts', "throw new TowlineError('exists', 'x', { path });")).toEqual([]);
  expect(bareErrors('a.ts', "throw new TowlineError('configuration', 'x');")).toEqual([]);
});
