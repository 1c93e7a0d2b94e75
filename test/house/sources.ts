import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** One import or re-export, static or dynamic. */
export interface Import {
  /** As written: `./path.js`, `node:fs`, `ssh2`. */
  readonly specifier: string;
  /** For a relative one: the file it means, relative to the project, or null when it is a package. */
  readonly file: string | null;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What the rules need to know of one file. */
export interface Source {
  /** Relative to the project, with `/`. */
  readonly file: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Lines with `export * from`. */
  readonly exportAll: readonly number[];
  readonly defaultExports: readonly number[];
  readonly processExits: readonly number[];
  /** Top-level `let` and `var`, and top-level empty collections, which can only be there to be filled. */
  readonly mutableState: readonly number[];
}

/** Reads and parses all TypeScript files below `folder` of the project. */
export function readSources(project: string, folder: string): Source[] {
  return readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => parseSource(file, readFileSync(join(project, file), 'utf8')));
}

/** Parses one file; `file` is relative to the project. */
export function parseSource(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (node: ts.Node) => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
  const found = {
    imports: [] as Import[],
    exportAll: [] as number[],
    defaultExports: [] as number[],
    processExits: [] as number[],
  };
  const add = (specifier: string, typeOnly: boolean, node: ts.Node) => {
    found.imports.push({ specifier, file: resolve(file, specifier), typeOnly, line: lineOf(node) });
  };
  const visit = (node: ts.Node): void => {
    const imported = importOf(node);
    if (imported !== null) add(imported.specifier, imported.typeOnly, node);
    if (isExportAll(node)) found.exportAll.push(lineOf(node));
    if (isDefaultExport(node)) found.defaultExports.push(lineOf(node));
    if (isProcessExit(node)) found.processExits.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const mutableState = tree.statements.filter(isMutableState).map(lineOf);
  return { file, lines: text.trimEnd().split('\n').length, ...found, mutableState };
}

function resolve(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

function importOf(node: ts.Node): { specifier: string; typeOnly: boolean } | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnlyImport(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnlyExport(node) };
  }
  // `import('x').T` in a type, and `import('x')` as a call.
  if (
    ts.isImportTypeNode(node) &&
    ts.isLiteralTypeNode(node.argument) &&
    ts.isStringLiteral(node.argument.literal)
  ) {
    return { specifier: node.argument.literal.text, typeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    const specifier =
      argument !== undefined && ts.isStringLiteralLike(argument) ? argument.text : '(computed)';
    return { specifier, typeOnly: false };
  }
  return null;
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

function isTypeOnlyExport(node: ts.ExportDeclaration): boolean {
  if (node.isTypeOnly) return true;
  const named = node.exportClause;
  if (named === undefined || !ts.isNamedExports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

function isExportAll(node: ts.Node): boolean {
  return (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))
  );
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false;
}

function isProcessExit(node: ts.Node): boolean {
  return (
    ts.isPropertyAccessExpression(node) &&
    node.name.text === 'exit' &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === 'process'
  );
}

function isMutableState(statement: ts.Statement): boolean {
  if (!ts.isVariableStatement(statement)) return false;
  const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
  return (
    !isConst ||
    statement.declarationList.declarations.some(({ initializer }) => isEmptyCollection(initializer))
  );
}

function isEmptyCollection(value: ts.Expression | undefined): boolean {
  if (value === undefined) return false;
  if (ts.isArrayLiteralExpression(value)) return value.elements.length === 0;
  return (
    ts.isNewExpression(value) &&
    ts.isIdentifier(value.expression) &&
    ['Map', 'Set', 'WeakMap', 'WeakSet', 'Array'].includes(value.expression.text) &&
    (value.arguments ?? []).length === 0
  );
}
