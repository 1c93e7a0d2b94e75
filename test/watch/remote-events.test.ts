import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backlog } from '../../src/watch/backlog.js';
import { EventReader } from '../../src/watch/remote-events.js';

const mark = 'MARK';
const record = (events: string, path: string) => `${events}|${path.replace(/^[.]/, '/the root')}|${mark}\n`;
const begin = `|${mark}\nROOT|/the root|${mark}\n`;

test('whatever the names and wherever the pieces are cut, each record is one event', () => {
  const name = fc.oneof(
    fc.constantFrom('\n', '|', 'a\n|b', '|MAR', 'MARK', ' '),
    fc.string({ minLength: 1 }),
  );
  const usable = name.filter(
    (one) => !/[/\0\ufffd]/.test(one) && one.isWellFormed() && !`${one}|`.includes('|MARK\n'),
  );
  fc.assert(
    fc.property(fc.array(usable), fc.array(fc.nat(300)), (names, cuts) => {
      const text = `Welcome|\n${begin}${names.map((one) => record('CREATE', `./d/${one}`)).join('')}`;
      const data = Buffer.from(text);
      const reader = new EventReader(mark);
      const ends = [...cuts.filter((cut) => cut < data.length).sort((a, b) => a - b), data.length];
      const paths = ends.flatMap((end, i) => reader.add(data.subarray(ends[i - 1] ?? 0, end)));
      expect(paths).toEqual(
        names.map((one) => ({ type: 'change', kind: 'add', path: `d/${one}`, isDirectory: false })),
      );
    }),
  );
});

test.each([
  ['CREATE,ISDIR', './a', 'addDir a'],
  ['MOVED_TO,ISDIR', './a/b', 'addDir a/b'],
  ['CREATE', './a', 'add a'],
  ['MOVED_TO', './a', 'add a'],
  ['DELETE,ISDIR', './a', 'unlinkDir a'],
  ['MOVED_FROM,ISDIR', './a', 'unlinkDir a'],
  ['DELETE', './a', 'unlink a'],
  ['MOVED_FROM', './a', 'unlink a'],
  ['CLOSE_WRITE,CLOSE', './a', 'change a'],
  ['MODIFY', './a', 'change a'],
  ['ATTRIB', './a', 'change a'],
  ['ATTRIB,ISDIR', './a/', 'change a'],
  ['ATTRIB,ISDIR', './', null],
  ['CREATE', '/elsewhere', null],
  ['DELETE_SELF', './a/', null],
  ['MOVE_SELF', './a/', null],
  ['CREATE', './bad\ufffd', null],
  ['DELETE_SELF', './', 'gone'],
  ['MOVE_SELF', './', 'gone'],
  ['UNMOUNT', './a/', 'gone'],
  ['QUEUE', '4096\n', 'queue 4096'],
  ['QUEUE', '', null],
])('%s of %s', (events, path, expected) => {
  const told = new EventReader(mark).add(Buffer.from(`${begin}${record(events, path)}`));
  const words = told.map((event) =>
    event.type === 'change'
      ? `${event.kind} ${event.path}`
      : event.type === 'queue'
        ? `queue ${String(event.max)}`
        : event.type,
  );
  expect(words).toEqual(expected === null ? [] : [expected]);
});

test('half a queue in one go is suspect, over a slow link too; the same in hours is not', () => {
  const suspected = (events: number, everyMs: number) => {
    const backlog = new Backlog();
    return Array.from({ length: events }, (_, i) => backlog.event(i * everyMs)).includes(true);
  };
  expect(suspected(16_384, 0)).toBe(true);
  expect(suspected(16_384, 5)).toBe(true);
  expect(suspected(8_000, 0)).toBe(false);
  expect(suspected(200_000, 25)).toBe(false);
  const small = new Backlog();
  small.queueMax = 100;
  expect(Array.from({ length: 60 }, () => small.event(0)).lastIndexOf(false)).toBe(49);
});
