import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { freshFolder } from '../support/folder.js';

/** The entry point as it is built, beside a start.js that only says that it was reached. */
function builtMain(): string {
  const folder = freshFolder('main');
  const source = readFileSync(new URL('../../src/cli/main.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2024 },
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'main.js'), outputText);
  writeFileSync(join(folder, 'start.js'), 'export function start() { process.stdout.write("started"); }');
  return join(folder, 'main.js');
}

function runUnder(version: string) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return spawnSync(process.execPath, ['--import', preload, builtMain()], { encoding: 'utf8' });
}

test.each(['14.0.0', '20.20.2', '22.21.9'])('Node %s is told in one line what is needed', (version) => {
  const ran = runUnder(version);
  expect(ran.status).toBe(2);
  expect(ran.stdout).toBe('');
  expect(ran.stderr).toMatch(/^towline needs Node 22\.22 or newer; this is v.* \(.*\)\n$/);
});

test.each(['22.22.0', '23.0.0', '24.21.0'])('Node %s goes on', (version) => {
  expect(runUnder(version)).toMatchObject({ status: 0, stdout: 'started', stderr: '' });
});

test('an old Node can parse the entry point: no static import, no syntax after ES2020', () => {
  const text = readFileSync(builtMain(), 'utf8');
  expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true);
  expect(text).not.toMatch(/^import\b|^\s*await\b|\?\?=|\|\|=|&&=/m);
});
