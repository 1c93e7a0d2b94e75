import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyTypeOf } from '../../src/ssh/host-key.js';
import { appendKnownHost, readKnownHosts } from '../../src/ssh/known-hosts-file.js';
import { hashName, lookupHost, matchesNames, parseKnownHosts } from '../../src/ssh/known-hosts.js';
import { freshFolder } from '../support/folder.js';
import { makeKey, publicKeyBlob, publicKeyText } from '../support/ssh-keys.js';

const ed25519 = makeKey();
const rsa = makeKey({ type: 'rsa' });
const key = publicKeyText(ed25519);

const text = (...lines: string[]) => ({ file: 'known_hosts', text: lines.join('\n') });
const linesFor = (host: string, port: number, ...lines: string[]) =>
  lookupHost([text(...lines)], host, port).map((line) => line.line);

describe('parseKnownHosts', () => {
  test('keeps what makes sense, with its line', () => {
    const lines = parseKnownHosts(
      text(
        '# comment',
        '',
        `box ${key} a comment`,
        `  \t@revoked  other\t${key}\r`,
        `@cert-authority *.example.com ${publicKeyText(rsa)}`,
        `@unknown box ${key}`,
        'box ssh-ed25519',
        'box ssh-ed25519 garbage',
        `box ssh-rsa ${key.split(' ')[1] ?? ''}`,
        'box 1024 35 1234567890',
      ),
    );
    expect(lines.map(({ marker, names, type, line }) => [marker, names, type, line])).toEqual([
      ['host', 'box', 'ssh-ed25519', 3],
      ['revoked', 'other', 'ssh-ed25519', 4],
      ['cert-authority', '*.example.com', 'ssh-rsa', 5],
    ]);
    expect(lines[0]?.blob).toEqual(publicKeyBlob(ed25519));
  });

  test('never throws, and never finds a key that is not there', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'box',
        '[box]:22',
        '|1|',
        '|1|a|b',
        '@revoked',
        '@',
        '!box',
        '*',
        ',',
        ' ',
        '\t',
        '\n',
        '\r',
        '#',
        key,
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.string(), (pieces, host) => {
        const content = text(pieces.join(' '));
        for (const line of [...parseKnownHosts(content), ...lookupHost([content], host, 22)]) {
          expect(keyTypeOf(line.blob)).toBe(line.type);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('lookupHost', () => {
  test('a bare name is for port 22, another port stands behind brackets', () => {
    const lines = [`box ${key}`, `[box]:2222 ${key}`, `[box]:22 ${key}`];
    expect(linesFor('box', 22, ...lines)).toEqual([1]);
    expect(linesFor('box', 2222, ...lines)).toEqual([2]);
    expect(linesFor('BOX', 2222, ...lines)).toEqual([2]);
    expect(linesFor('::1', 99, `[::1]:99 ${key}`)).toEqual([1]);
  });

  test('lists, patterns and negation', () => {
    const line = `*.example.com,!bad.example.com,10.0.?.1,[*.example.com]:2222 ${key}`;
    expect(linesFor('a.example.com', 22, line)).toEqual([1]);
    expect(linesFor('A.EXAMPLE.com', 22, line)).toEqual([1]);
    expect(linesFor('bad.example.com', 22, line)).toEqual([]);
    expect(linesFor('bad.example.com', 2222, line)).toEqual([1]);
    expect(linesFor('example.com', 22, line)).toEqual([]);
    expect(linesFor('10.0.7.1', 22, line)).toEqual([1]);
    expect(linesFor('10.0.77.1', 22, line)).toEqual([]);
    expect(linesFor('anything', 22, `!a* ${key}`, `!b,* ${key}`)).toEqual([2]);
  });

  test('names that ssh-keygen -H hashed are found, and no others', async () => {
    const file = join(freshFolder('hashed'), 'known_hosts');
    writeFileSync(file, `box ${key}\n[box]:2222 ${key}\n[::1]:2222,192.0.2.1 ${publicKeyText(rsa)}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'pipe' });
    expect(readFileSync(file, 'utf8')).not.toContain('box');
    const files = await readKnownHosts([file]);
    const found = (host: string, port: number) => lookupHost(files, host, port).map(({ type }) => type);
    expect(found('box', 22)).toEqual(['ssh-ed25519']);
    expect(found('box', 2222)).toEqual(['ssh-ed25519']);
    expect(found('::1', 2222)).toEqual(['ssh-rsa']);
    expect(found('192.0.2.1', 22)).toEqual(['ssh-rsa']);
    expect(found('box', 23)).toEqual([]);
    expect(found('other', 22)).toEqual([]);
  });

  test('ssh-keygen -F agrees on random names and patterns', () => {
    const file = join(freshFolder('agree'), 'known_hosts');
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 4 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 5 });
    const names = fc.array(fc.tuple(fc.boolean(), pattern), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(names, fc.array(name, { minLength: 1, maxLength: 2 }), (patterns, hosts) => {
        const field = patterns.map(([negated, one]) => (negated ? `!${one}` : one)).join(',');
        writeFileSync(file, `${field} ${key}\n`);
        for (const host of hosts)
          expect([field, host, matchesNames(host, field)]).toEqual([field, host, known(file, host)]);
      }),
      { numRuns: 60 },
    );
  });
});

function known(file: string, host: string): boolean {
  try {
    return execFileSync('ssh-keygen', ['-F', host, '-f', file], { stdio: 'pipe' }).length > 0;
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 1) return false;
    throw error;
  }
}

describe('readKnownHosts', () => {
  test('a missing file is empty; several are read in order', async () => {
    const folder = freshFolder('several');
    writeFileSync(join(folder, 'a'), `box ${key}\n`);
    writeFileSync(join(folder, 'b'), `\nbox ${publicKeyText(rsa)}\n`);
    const names = ['a', 'missing', 'b'].map((name) => join(folder, name));
    const found = lookupHost(await readKnownHosts(names), 'box', 22);
    expect(found.map(({ file, line, type }) => [file, line, type])).toEqual([
      [join(folder, 'a'), 1, 'ssh-ed25519'],
      [join(folder, 'b'), 2, 'ssh-rsa'],
    ]);
  });

  test('one that cannot be read is an error that names it', async () => {
    const folder = freshFolder('unreadable');
    await expect(readKnownHosts([folder])).rejects.toMatchObject({ code: 'configuration', path: folder });
  });
});

describe('appendKnownHost', () => {
  test('makes directory and file for us alone, and ends what had no end', async () => {
    const folder = join(freshFolder('home'), '.ssh');
    const file = join(folder, 'known_hosts');
    await appendKnownHost(file, 'box', publicKeyBlob(ed25519), false);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(`box ${key}\n`);
    writeFileSync(file, '# no newline');
    await appendKnownHost(file, '[box]:22', publicKeyBlob(rsa), false);
    expect(readFileSync(file, 'utf8')).toBe(`# no newline\n[box]:22 ${publicKeyText(rsa)}\n`);
  });

  test('a hashed name is found by ssh-keygen', async () => {
    const file = join(freshFolder('hash'), 'known_hosts');
    await appendKnownHost(file, '[box]:2222', publicKeyBlob(ed25519), true);
    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}= ssh-ed25519 /);
    expect(known(file, '[box]:2222')).toBe(true);
    expect(known(file, 'box')).toBe(false);
    expect(matchesNames('box', hashName('box', Buffer.alloc(20, 7)))).toBe(true);
  });

  test('many at once lose nothing', async () => {
    const file = join(freshFolder('many'), 'known_hosts');
    const hosts = Array.from({ length: 50 }, (_, index) => `host${String(index)}`);
    await Promise.all(hosts.map((host) => appendKnownHost(file, host, publicKeyBlob(rsa), false)));
    const files = await readKnownHosts([file]);
    for (const host of hosts) expect(lookupHost(files, host, 22)).toHaveLength(1);
  });

  test('a place that cannot be written is an error that names it', async () => {
    const folder = freshFolder('blocked');
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'known_hosts'));
    for (const file of [join(folder, 'file', 'known_hosts'), join(folder, 'known_hosts')]) {
      await expect(appendKnownHost(file, 'box', publicKeyBlob(rsa), false)).rejects.toMatchObject({
        code: 'configuration',
        path: file,
      });
    }
  });
});
