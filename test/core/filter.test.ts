import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/core/entry.js';
import type { FilterRule } from '../../src/core/filter-rules.js';
import { type Filter, createFilter } from '../../src/core/filter.js';
import { freshFolder } from '../support/folder.js';

const bare = { rules: [], defaults: false, droppings: false };

/** Flags as on the command line: `-x` is --exclude x, `+x` is --include x. */
const flags = (...texts: string[]): FilterRule[] =>
  texts.map((text) => ({
    type: text.startsWith('+') ? 'include' : 'exclude',
    pattern: text.slice(1),
    source: text.startsWith('+') ? '--include' : '--exclude',
  }));

const withFiles = (files: Readonly<Record<string, string>>, rules: FilterRule[] = []): Filter => {
  const filter = createFilter({ ...bare, rules });
  for (const [path, text] of Object.entries(files)) {
    const slash = path.lastIndexOf('/');
    filter.addRuleFile(path.slice(0, Math.max(0, slash)), path.slice(slash + 1), text);
  }
  return filter;
};

/** A trailing slash stands for a directory, `@` for a symlink. */
const excludes = (filter: Filter, text: string): boolean => {
  const kind: Kind = text.endsWith('/') ? 'directory' : text.endsWith('@') ? 'symlink' : 'file';
  return filter.excludes(text.replace(/[/@]$/, ''), kind);
};

describe('patterns', () => {
  test.each([
    ['-a', ['a', 'a/', 'x/a', 'a/x', 'x/a/y'], ['ab', 'A', 'x/ab']],
    ['-/a', ['a', 'a/x'], ['x/a']],
    ['-a/', ['a/', 'x/a/', 'a/b'], ['a', 'a@', 'x/a']],
    ['-a/b', ['a/b', 'a/b/c'], ['x/a/b', 'b']],
    ['-*.log', ['x.log', 'a/.log', 'a/b.log/c'], ['log', 'x.log.gz', 'x.LOG']],
    ['-**/a', ['a', 'x/a', 'x/y/a'], ['xa']],
    ['-a/**', ['a/b', 'a/b/c'], ['a/', 'a']],
    ['-a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['b', 'ab']],
    ['-[ab]?c', ['axc', 'bxc'], ['cxc', 'ac']],
    ['-a\\ ', ['a '], ['a']],
    ['-a  ', ['a'], ['a  ']],
    ['-\\!a', ['!a'], ['a']],
    ['-#a', ['#a'], ['a']],
    ['-\\#a', ['#a'], ['a']],
    ['-\\*', ['*'], ['a']],
    ['-ä*', ['ä', 'äb'], ['a']],
    ['-a\nb', ['a\nb'], ['a', 'b']],
  ])('%j', (flag, excluded, included) => {
    const filter = createFilter({ ...bare, rules: flags(flag) });
    expect(excluded.filter((path) => !excludes(filter, path))).toEqual([]);
    expect(included.filter((path) => excludes(filter, path))).toEqual([]);
  });

  test('the last match wins, and nothing comes back below an excluded directory', () => {
    const filter = createFilter({
      ...bare,
      rules: flags('-*.log', '+keep.log', '-build/', '+build/x', '-!seen.log'),
    });
    expect(excludes(filter, 'a.log')).toBe(true);
    expect(excludes(filter, 'keep.log')).toBe(false);
    expect(excludes(filter, 'seen.log')).toBe(false);
    expect(excludes(filter, 'build/x')).toBe(true);
  });
});

test('a side that folds case is matched without regard to it', () => {
  const rules = flags('-*.LOG', '+Keep.log');
  const exact = createFilter({ ...bare, rules });
  const folding = createFilter({ ...bare, rules, ignoreCase: true });
  const asked = ['a.log', 'a.LOG', 'keep.LOG', 'Keep.log'];
  expect(asked.map((path) => excludes(exact, path))).toEqual([false, true, true, false]);
  expect(asked.map((path) => excludes(folding, path))).toEqual([true, true, false, false]);
  folding.addRuleFile('d', '.gitignore', 'BUILD/\n');
  expect(folding.explain('d/build', 'directory')).toMatchObject({
    excluded: true,
    rule: { pattern: 'BUILD/' },
  });
  expect(folding.signature()).not.toBe(exact.signature());
});

describe('precedence', () => {
  test('command line over .towlineignore over .gitignore over defaults', () => {
    const files = { '.towlineignore': '!b\n!c\na\n', '.gitignore': 'b\nc\n!a\n!.git/\n' };
    expect(excludes(withFiles(files), 'a')).toBe(true);
    expect(excludes(withFiles(files), 'b')).toBe(false);
    expect(excludes(withFiles(files, flags('-c', '+a')), 'a')).toBe(false);
    expect(excludes(withFiles(files, flags('-c', '+a')), 'c')).toBe(true);
    const filter = createFilter({ ...bare, defaults: true });
    expect(excludes(filter, '.git/')).toBe(true);
    filter.addRuleFile('', '.gitignore', '!.git/');
    expect(excludes(filter, '.git/')).toBe(false);
  });

  test('a deeper file over those above, .towlineignore over any .gitignore', () => {
    const filter = withFiles({
      '.gitignore': '*.o\n',
      'lib/.gitignore': '!*.o\n',
      'lib/deep/.gitignore': '*.o\n',
      '.towlineignore': '!special.o\n',
    });
    expect(excludes(filter, 'x.o')).toBe(true);
    expect(excludes(filter, 'lib/x.o')).toBe(false);
    expect(excludes(filter, 'lib/deep/x.o')).toBe(true);
    expect(excludes(filter, 'lib/deep/special.o')).toBe(false);
  });

  test('a directory brought back by stronger rules is judged inside by all of them', () => {
    const filter = withFiles({ '.gitignore': 'out\n*.tmp\n' }, flags('+/out/', '+/out/a[b]*/'));
    expect(excludes(filter, 'out/')).toBe(false);
    expect(excludes(filter, 'out/x')).toBe(false);
    expect(excludes(filter, 'out/x.tmp')).toBe(true);
    expect(excludes(filter, 'out/out')).toBe(true);
    expect(excludes(filter, 'out/a[b]*/')).toBe(false);
    expect(excludes(filter, 'out/sub/out/')).toBe(true);
    expect(excludes(filter, 'sub/out/x')).toBe(true);
  });

  test('patterns of a nested file are relative to it', () => {
    const filter = withFiles({ 'a/.gitignore': '/x\ny/z\n' });
    expect(excludes(filter, 'a/x')).toBe(true);
    expect(excludes(filter, 'a/y/z')).toBe(true);
    expect(excludes(filter, 'x')).toBe(false);
    expect(excludes(filter, 'a/b/x')).toBe(false);
  });
});

describe('defaults', () => {
  test('our own names cannot be included', () => {
    const filter = withFiles({ '.towlineignore': '!.towline*\n' }, flags('+.towline*', '+*'));
    expect(excludes(filter, '.towline-a1-b2.tmp')).toBe(true);
    expect(excludes(filter, 'a/.towlineignore')).toBe(true);
    expect(excludes(filter, 'a/.towline-x/y')).toBe(true);
    expect(excludes(filter, 'a/towline')).toBe(false);
  });

  test('.git and the configuration', () => {
    const filter = createFilter({ ...bare, defaults: true });
    expect(
      ['.git/', 'sub/.git/', '.git/config', 'towline.json'].every((path) => excludes(filter, path)),
    ).toBe(true);
    expect(
      ['.gitignore', '.git', 'sub/towline.json', '.github/'].some((path) => excludes(filter, path)),
    ).toBe(false);
  });

  test('editors’ droppings, and what only looks like them', () => {
    const filter = createFilter({ ...bare, droppings: true });
    const gone = ['.a.c.swp', '.a.c.swn', 'a.swx', '4913', 'd/4913', 'a~', '.#a', '#a#', 'a.ts___jb_tmp___'];
    const kept = [
      '4913/',
      '4913/a',
      '14913',
      '4913.txt',
      '#a',
      'a#',
      '~a',
      '.swap',
      'a.swift',
      'x~/',
      '.DS_Store',
      'a.bak',
    ];
    expect(
      [...gone, '.~lock.a.odt#', '~$a.docx', '.a.kate-swp', '.goutputstream-X1'].filter(
        (path) => !excludes(filter, path),
      ),
    ).toEqual([]);
    expect(kept.filter((path) => excludes(filter, path))).toEqual([]);
    expect(gone.filter((path) => excludes(createFilter(bare), path))).toEqual([]);
  });
});

describe('explain', () => {
  const filter = withFiles({ 'a/.gitignore': '# built\n\n*.o\n!keep.o\nsub/\n' }, flags('-x', '+y'));
  test.each([
    ['x', { excluded: true, rule: { pattern: 'x', source: '--exclude' } }],
    ['y', { excluded: false, rule: { pattern: '!y', source: '--include' } }],
    ['a/b.o', { excluded: true, rule: { pattern: '*.o', source: 'a/.gitignore', line: 3 } }],
    ['a/keep.o', { excluded: false, rule: { pattern: '!keep.o', source: 'a/.gitignore', line: 4 } }],
    [
      'a/sub/b/keep.o',
      { excluded: true, above: 'a/sub', rule: { pattern: 'sub/', source: 'a/.gitignore', line: 5 } },
    ],
    ['b.o', { excluded: false }],
    ['', { excluded: false }],
    ['.towline-a', { excluded: true, rule: { pattern: '.towline*', source: 'always' } }],
  ])('%j', (path, explanation) => {
    expect(filter.explain(path, 'file')).toEqual(explanation);
  });

  test('no default is told of where it leaves nothing out', () => {
    expect(createFilter({ ...bare, droppings: true }).explain('docs', 'directory')).toEqual({
      excluded: false,
    });
  });
});

describe('rule files', () => {
  test('changing them takes effect at once', () => {
    const filter = withFiles({ '.gitignore': 'a\n', 'd/.gitignore': 'b\n', 'd/e/.towlineignore': 'c\n' });
    expect([excludes(filter, 'd/a'), excludes(filter, 'd/b'), excludes(filter, 'd/e/c')]).toEqual([
      true,
      true,
      true,
    ]);
    filter.addRuleFile('', '.gitignore', 'z\n');
    filter.addRuleFile('d/e', '.towlineignore', '');
    expect([excludes(filter, 'd/a'), excludes(filter, 'd/b'), excludes(filter, 'd/e/c')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('the signature tells rules apart, not the order in which files were found', () => {
    const one = withFiles({ '.gitignore': 'a\n', 'd/.gitignore': 'b\n' }).signature();
    expect(withFiles({ 'd/.gitignore': 'b\n', '.gitignore': 'a\n' }).signature()).toBe(one);
    expect(withFiles({ '.gitignore': 'a\n', 'd/.gitignore': 'c\n' }).signature()).not.toBe(one);
    expect(withFiles({ '.gitignore': 'a\n', 'd/.gitignore': 'b\n' }, flags('-x')).signature()).not.toBe(one);
    expect(createFilter({ ...bare, defaults: true }).signature()).not.toBe(createFilter(bare).signature());
  });

  test('byte order mark and CRLF', () => {
    const filter = withFiles({ '.gitignore': '\ufeffa\r\nb/\r\n' });
    expect([excludes(filter, 'a'), excludes(filter, 'b/'), excludes(filter, 'b')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('more paths than are remembered', () => {
    const filter = createFilter({ ...bare, rules: flags('-f*7') });
    const found = Array.from({ length: 12_000 }, (_, i) => `d${i % 11}/f${i}`).filter((path) =>
      excludes(filter, path),
    );
    expect(found).toHaveLength(1_200);
  });
});

// ------------------------------------------------------------------------------------------ against git itself

const name = fc.constantFrom('a', 'b', 'ab', 'a.c', 'b.c', 'a b', '!a', '#a', 'a*', '[a]', 'a\\');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const tree = fc.array(path, { minLength: 1, maxLength: 12 });
const token = fc.constantFrom(
  'a',
  'b',
  'ab',
  '.c',
  '?',
  '[ab]',
  '[!a]',
  '[a-b]',
  '\\*',
  '\\a',
  '\\[',
  '\\\\',
  ' ',
  '!',
  '#',
);
const segment = fc.oneof(
  { weight: 3, arbitrary: name.map((text) => text.replace(/[\\*[\]]/g, '\\$&')) },
  { weight: 1, arbitrary: fc.constantFrom('**', '*') },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.array(token, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '*'),
        fc.constantFrom('', '*'),
      )
      .map(([tokens, before, after]) => `${before}${tokens.join('')}${after}`),
  },
);
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '!'),
    fc.constantFrom('', '', '/'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '', '/', ' ', '\\ '),
  )
  .map(([negation, anchor, segments, end]) => `${negation}${anchor}${segments.join('/')}${end}`);
const ruleFile = fc.array(pattern, { minLength: 1, maxLength: 4 });

/** What of `paths` git leaves out and by which line of which file (`git check-ignore -v -n`). */
function askGit(root: string, paths: readonly string[]): Map<string, { excluded: boolean; rule: string }> {
  const { status, stdout, stderr } = spawnSync(
    'git',
    ['-C', root, 'check-ignore', '--stdin', '-z', '-v', '-n', '--no-index'],
    { input: paths.join('\0') + '\0', encoding: 'utf8' },
  );
  // 1: none of them is excluded.
  if (status !== 0 && status !== 1) throw new Error(`git check-ignore: ${stderr}`);
  const fields = stdout.split('\0');
  const answers = new Map<string, { excluded: boolean; rule: string }>();
  for (let i = 0; i + 3 < fields.length; i += 4) {
    const [source, line, text, asked] = fields.slice(i, i + 4) as [string, string, string, string];
    answers.set(asked, {
      excluded: source !== '' && !text.startsWith('!'),
      rule: source && `${source}:${line}`,
    });
  }
  return answers;
}

/** Makes the tree in place of the last one; a path in the way of another one is left out. @returns all paths with their kinds */
function makeTree(root: string, files: readonly string[]): Map<string, Kind> {
  for (const old of readdirSync(root)) {
    if (old !== '.git') rmSync(join(root, old), { recursive: true });
  }
  const kinds = new Map<string, Kind>();
  for (const file of files) {
    const parts = file.split('/');
    const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
    if (kinds.has(file) || above.some((one) => kinds.get(one) === 'file')) continue;
    for (const one of above) kinds.set(one, 'directory');
    kinds.set(file, 'file');
    mkdirSync(join(root, ...parts.slice(0, -1)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return kinds;
}

test('agrees with git on random trees and rules', () => {
  const root = freshFolder('git');
  execFileSync('git', ['-C', root, 'init', '-q']);
  execFileSync('git', ['-C', root, 'config', 'core.excludesFile', '/dev/null']);
  let matched = 0;
  fc.assert(
    fc.property(
      tree,
      ruleFile,
      fc.array(fc.tuple(fc.nat(), ruleFile), { maxLength: 3 }),
      (files, top, nested) => {
        const kinds = makeTree(root, files);
        const directories = [...kinds].filter(([, kind]) => kind === 'directory').map(([one]) => one);
        const filter = createFilter(bare);
        const write = (directory: string, lines: readonly string[]) => {
          const text = lines.join('\n') + '\n';
          writeFileSync(join(root, directory, '.gitignore'), text);
          filter.addRuleFile(directory, '.gitignore', text);
        };
        write('', top);
        for (const [at, lines] of nested)
          if (directories.length > 0) write(directories[at % directories.length]!, lines);
        const answers = askGit(root, [...kinds.keys()]);
        const expected = [...kinds.keys()].map((one) => [one, answers.get(one)]);
        const actual = [...kinds].map(([one, kind]) => {
          const { excluded, rule } = filter.explain(one, kind);
          return [one, { excluded, rule: rule === undefined ? '' : `${rule.source}:${rule.line}` }];
        });
        matched += actual.filter(([, answer]) => (answer as { rule: string }).rule !== '').length;
        expect(actual).toEqual(expected);
        for (const [one, kind] of kinds) expect(filter.excludes(one, kind)).toBe(answers.get(one)?.excluded);
      },
    ),
    { numRuns: 250 },
  );
  expect(matched).toBeGreaterThan(100);
});
