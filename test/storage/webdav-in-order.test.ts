import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InOrder } from '../../src/storage/webdav/in-order.js';

const seed = Number(process.env.TOWLINE_SEED ?? Date.now() % 2 ** 31);

test(`pieces in any order come out whole and in order, one at a time (seed ${String(seed)})`, async () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 2 ** 21 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.infiniteStream(fc.nat()), async (sizes, random) => {
      let taking = 0;
      const out: Buffer[] = [];
      const order = new InOrder(async (data) => {
        expect(++taking).toBe(1);
        await Promise.resolve();
        out.push(data);
        taking--;
      });
      const pieces: { data: Buffer; offset: number }[] = [];
      let total = 0;
      for (const [index, size] of sizes.entries()) {
        pieces.push({ data: Buffer.alloc(size, index + 1), offset: total });
        total += size;
      }
      const expected = Buffer.concat(pieces.map(({ data }) => data));
      const shuffled = pieces
        .map((piece) => ({ piece, rank: random.next().value }))
        .sort((a, b) => a.rank - b.rank);
      await Promise.all(shuffled.map(({ piece }) => order.add(piece.data, piece.offset)));
      expect(order.hasGap).toBe(false);
      expect(order.bytes).toBe(total);
      expect(Buffer.concat(out).equals(expected)).toBe(true);
    }),
    { seed, numRuns: 50 },
  );
});

test('a failure reaches everybody who still brings something', async () => {
  const failure = new Error('full');
  const order = new InOrder(() => Promise.reject(failure));
  await expect(order.add(Buffer.alloc(1), 0)).rejects.toBe(failure);
  await expect(order.add(Buffer.alloc(1), 1)).rejects.toBe(failure);
  await expect(order.settled()).rejects.toBe(failure);
});

test('a piece that never came is a gap', async () => {
  const order = new InOrder(() => Promise.resolve());
  await order.add(Buffer.alloc(1), 5);
  expect(order.hasGap).toBe(true);
  expect(order.bytes).toBe(0);
});
