import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Acknowledged } from '../../src/storage/acknowledged.js';

test('what is acknowledged is the longest start without a gap, in whatever order pieces finish', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ offset: fc.nat(40), length: fc.nat(12) }), { maxLength: 20 }),
      (pieces) => {
        const acknowledged = new Acknowledged();
        const written = new Array<boolean>(60).fill(false);
        for (const { offset, length } of pieces) {
          acknowledged.add(offset, length);
          written.fill(true, offset, offset + length);
          expect(acknowledged.bytes).toBe(written.indexOf(false));
        }
      },
    ),
    { verbose: true },
  );
});
