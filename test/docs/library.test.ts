/** docs/library.md: its code is cut from the programs of examples/, which test/docs/examples.test.ts runs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'library.md'), 'utf8');

interface Cutting {
  readonly example: string;
  readonly text: string;
}

/** The blocks of code in their pieces (`// …` stands for what was left out), each with the example linked last. */
function cuttingsOf(markdown: string): Cutting[] {
  let example = '';
  const cuttings: Cutting[] = [];
  for (const [, link, code] of markdown.matchAll(/\(\.\.\/examples\/(\S+)\)|^```ts\n(.*?)^```$/gms)) {
    if (link !== undefined) example = link;
    else cuttings.push(...code!.split('// …\n').map((text) => ({ example, text })));
  }
  return cuttings;
}

/** Whether these lines stand in the source one after the other, indented as they are or further. */
function isCutFrom(source: string, text: string): boolean {
  const indents = ['', '  ', '    ', '      '];
  return indents.some((indent) => `\n${source}`.includes(`\n${text.replace(/^(?=.)/gm, indent)}`));
}

const examples = new Map(
  readdirSync(join(root, 'examples')).map((name) => [
    name,
    readFileSync(join(root, 'examples', name), 'utf8'),
  ]),
);

test('all code is cut from the example it stands under, and no example is missing', () => {
  const cuttings = cuttingsOf(page);
  const strange = cuttings.filter(({ example, text }) => !isCutFrom(examples.get(example) ?? '', text));
  expect(strange).toEqual([]);
  expect([...new Set(cuttings.map(({ example }) => example))].sort()).toEqual([...examples.keys()].sort());
  expect([...page.matchAll(/^```\w*$/gm)].filter(([fence]) => fence !== '```ts' && fence !== '```')).toEqual(
    [],
  );
});

test.each([
  ['const a = 1;\n', true],
  ['if (a) {\n  b();\n}\n', true],
  ['if (a) {\n  c();\n}\n', false],
  ['b();\n}\n', false],
  ['a = 1;\n', false],
])('the check bites: %j', (text, wanted) => {
  expect(isCutFrom('const a = 1;\nfunction f() {\n  if (a) {\n    b();\n  }\n}\n', text)).toBe(wanted);
});

test('no example is longer than 80 lines', () => {
  const long = [...examples].filter(([, source]) => source.trimEnd().split('\n').length > 80);
  expect(long.map(([name]) => name)).toEqual([]);
});
