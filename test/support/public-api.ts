import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What the built declarations offer to a program that imports 'towline'. */
export interface PublicApi {
  readonly functions: ReadonlySet<string>;
  /** Per exported type: its properties. */
  readonly types: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of those, whatever type they belong to: the ones that can be called. */
  readonly methods: ReadonlySet<string>;
  /** The events of an agent: those that have a name, and the values of `type` of all others. */
  readonly events: ReadonlySet<string>;
}

/** Reads dist/index.d.ts. */
export function readPublicApi(): PublicApi {
  const file = fileURLToPath(new URL('../../dist/index.d.ts', import.meta.url));
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} cannot be read: build first`);

  const functions = new Set<string>();
  const types = new Map<string, Set<string>>();
  const methods = new Set<string>();
  const events: string[] = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol =
      (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
    if ((symbol.flags & ts.SymbolFlags.Function) !== 0) functions.add(exported.name);
    if ((symbol.flags & (ts.SymbolFlags.Type | ts.SymbolFlags.Class)) === 0) continue;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const properties = (type.isUnion() ? type.types : [type]).flatMap((one) => one.getProperties());
    types.set(exported.name, new Set(properties.map(({ name }) => name)));
    if (exported.name === 'AgentEvents') events.push(...properties.map(({ name }) => name));
    for (const property of properties) {
      const own = checker.getTypeOfSymbol(property);
      if (own.getNonNullableType().getCallSignatures().length > 0) methods.add(property.name);
      if (exported.name === 'AgentEvent' && property.name === 'type' && own.isStringLiteral())
        events.push(own.value);
    }
  }
  return { functions, types, methods, events: new Set(events) };
}
