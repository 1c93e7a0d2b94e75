/** docs/api, the reference of the library: complete, and what the docstrings say now. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshFolder } from '../support/folder.js';

const root = join(import.meta.dirname, '..', '..');
const options = join(root, 'docs', 'typedoc.json');
const typedoc = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');

/** Runs typedoc; all it says, with its exit code. */
function generate(options: string, out: string): Promise<{ code: number; said: string }> {
  const args = [typedoc, '--options', options, '--out', out];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: root, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });
}

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

test(
  'every export is documented, and docs/api is up to date (else: npm run docs)',
  { timeout: 180_000 },
  async () => {
    const out = join(freshFolder('api'), 'api');
    const { code, said } = await generate(options, out);
    expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
    expect(filesOf(join(root, 'docs', 'api'))).toEqual(filesOf(out));
  },
);

test('an export without a docstring, or of a type that is not exported, is an error', async () => {
  const folder = freshFolder('undocumented');
  writeFileSync(join(folder, 'hidden.ts'), '/** A. */\nexport interface Hidden { readonly a: string }\n');
  writeFileSync(
    join(folder, 'index.ts'),
    "import type { Hidden } from './hidden.js';\n/** B. */\nexport interface Shown { readonly b: Hidden }\nexport const c = 1;\n",
  );
  const compilerOptions = { module: 'NodeNext', target: 'ES2024', types: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }));
  // A plugin is looked for beside the file that names it.
  const plugin = [join(root, 'node_modules', 'typedoc-plugin-markdown', 'dist', 'index.js')];
  const own = { extends: [options], entryPoints: ['index.ts'], tsconfig: 'tsconfig.json', plugin };
  writeFileSync(join(folder, 'typedoc.json'), JSON.stringify(own));
  const { code, said } = await generate(join(folder, 'typedoc.json'), join(folder, 'api'));
  expect(code).not.toBe(0);
  for (const name of ['Shown.b', 'c', 'Hidden']) expect(said).toContain(name);
});
