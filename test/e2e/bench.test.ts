import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const mainFile = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

function bench(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [mainFile, ...args], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test('the bench measures every case, checks that the work was done, and prints a table', async () => {
  const { code, stdout, stderr } = await bench(['--quick', '--no-write']);
  expect(code, stderr).toBe(0);
  expect(stdout).not.toContain('FAILED');
  const titles = [
    'First push of 200 small files',
    'Nothing changed, 200 files',
    'Nothing changed, 400 files',
    '5 % of 200 small files changed',
    'One file of 8 MiB',
    'First push of 5 small files over a link of 50 ms',
    'From a save to the reader',
    'Peak memory of watching',
    'Comparing 20,000 entries',
  ];
  for (const title of titles) expect(stdout).toContain(`### ${title}`);
  expect(stdout).toMatch(/^\| towline +\| +\d+\.\d\d \| +\d+\.\d\d–\d+\.\d\d \|/m);
  // No name of a folder or a server of the run gets out.
  expect(stdout).not.toMatch(/towline-bench-|\/tmp\/|\/dev\/shm/);
}, 180_000);

test('an unknown case is refused by name', async () => {
  const { code, stderr } = await bench(['--only', 'nothing']);
  expect(code).toBe(2);
  expect(stderr).toContain("'nothing'");
  expect(stderr).toContain('first-push');
});
