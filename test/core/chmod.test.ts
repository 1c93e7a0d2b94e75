import { describe, expect, it } from 'vitest';
import { parseChmod } from '../../src/core/chmod.js';
import type { Kind } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';

const octal = (mode: number) => mode.toString(8);

describe('parseChmod', () => {
  it.each<[spec: string, kind: Kind, before: number, after: number]>([
    ['755', 'file', 0o600, 0o755],
    ['755', 'directory', 0o2700, 0o755],
    ['0644', 'file', 0o4755, 0o644],
    ['2755', 'directory', 0o700, 0o2755],
    ['D755,F644', 'directory', 0o700, 0o755],
    ['D755,F644', 'file', 0o600, 0o644],
    ['D755', 'file', 0o600, 0o600],
    ['F644', 'directory', 0o700, 0o700],
    ['u+rwX,go-w', 'file', 0o466, 0o644],
    ['u+rwX,go-w', 'directory', 0o477, 0o755],
    ['u+X', 'file', 0o644, 0o644],
    ['u+X', 'file', 0o610, 0o710],
    ['u+X', 'directory', 0o600, 0o700],
    ['a-x,a+X', 'file', 0o755, 0o644],
    ['a-x,a+X', 'directory', 0o755, 0o755],
    ['go-X', 'file', 0o755, 0o744],
    ['a=r', 'file', 0o755, 0o444],
    ['a=r', 'file', 0o4755, 0o444],
    ['a=rX', 'directory', 0o2700, 0o2555],
    ['a=rX', 'file', 0o711, 0o555],
    ['u=', 'file', 0o755, 0o055],
    ['g=rw', 'file', 0o604, 0o664],
    ['Du+w', 'directory', 0o555, 0o755],
    ['Du+w', 'file', 0o555, 0o555],
    ['Fa-x', 'file', 0o755, 0o644],
    ['Fa-x', 'directory', 0o755, 0o755],
    ['+x', 'file', 0o644, 0o755],
    ['-w', 'file', 0o666, 0o444],
    ['=rw', 'file', 0o751, 0o666],
    ['ug+s', 'file', 0o755, 0o6755],
    ['u+s', 'file', 0o755, 0o4755],
    ['g+s', 'directory', 0o755, 0o2755],
    ['g-s', 'directory', 0o2755, 0o755],
    ['o+s', 'file', 0o755, 0o755],
    ['+t', 'directory', 0o777, 0o1777],
    ['u+t', 'directory', 0o777, 0o777],
    ['-t', 'directory', 0o1777, 0o777],
    ['644,u+x', 'file', 0o600, 0o744],
    ['u+x,644', 'file', 0o600, 0o644],
    [' D755 , F644 ', 'file', 0o600, 0o644],
    ['777', 'symlink', 0o700, 0o700],
    ['a-w', 'symlink', 0o777, 0o777],
  ])('%s on a %s', (spec, kind, before, after) => {
    expect(octal(parseChmod(spec)(before, kind))).toBe(octal(after));
  });

  it.each([
    ['', "''"],
    ['755,', "''"],
    [',', "''"],
    ['7', "'7'"],
    ['75', "'75'"],
    ['888', "'888'"],
    ['07755', "'07755'"],
    ['D', "'D'"],
    ['X755', "'X755'"],
    ['DF755', "'DF755'"],
    ['d755', "'d755'"],
    ['u+', "'u+'"],
    ['go-', "'go-'"],
    ['u+rq', "'u+rq'"],
    ['u+r-w', "'u+r-w'"],
    ['z+r', "'z+r'"],
    ['rwx', "'rwx'"],
    ['D755,F64x', "'F64x'"],
    ['u+r\ng-w', "'u+r\ng-w'"],
  ])('refuses %j, naming the part and an example', (spec, named) => {
    let thrown: unknown;
    try {
      parseChmod(spec);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TowlineError);
    expect(thrown).toMatchObject({ code: 'configuration' });
    expect(String(thrown)).toContain(named);
    expect(String(thrown)).toContain('D755,F644');
  });
});
