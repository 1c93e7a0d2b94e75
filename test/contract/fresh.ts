import { onTestFinished } from 'vitest';
import type { ContractSide, MakeSide } from './side.js';

/** A side with an empty root that goes away with the test. */
export async function fresh(
  make: MakeSide,
  root: 'present' | 'missing' | 'far' = 'present',
): Promise<ContractSide> {
  const side = await make(root);
  onTestFinished(() => side.dispose());
  return side;
}
