/** Rules for one direction, and the size limit: what they mean in each mode. */
import { createFilter, type Filter } from '../core/filter.js';
import type { FilterRule } from '../core/filter-rules.js';
import { type Limits, type Mode, writtenSidesOf } from '../core/policy.js';
import type { RuleOption } from './options.js';
import type { ResolvedRule } from './resolve.js';

/** The way that ends at a side: `up` at the server, `down` here. */
export type Direction = NonNullable<RuleOption['only']>;

const directions: readonly Direction[] = ['up', 'down'];

const sideAtEnd = { up: 'remote', down: 'local' } as const;

/** What the filter rules come to in one mode. */
export interface FilterWishes {
  /** Of the command line, in force on both sides. */
  readonly rules: readonly FilterRule[];
  /** Where both directions are open: the rules of each that has some of its own, without those of files in the tree. */
  readonly oneWay: Readonly<Partial<Record<Direction, Filter>>>;
  /** Absent where there are none. */
  readonly limits?: Limits;
}

/**
 * In a mode that writes to one side only, a rule for that way is a rule like any other, and one for the other way is
 * none. Where both ways are open, what a rule excludes from one way is closed to it.
 */
export function filterWishes(
  rules: readonly ResolvedRule[],
  maxSize: number | null,
  mode: Mode,
): FilterWishes {
  const [only, ...more] = writtenSidesOf(mode);
  if (more.length === 0) {
    const used = rules.filter((rule) => rule.only === undefined || sideAtEnd[rule.only] === only);
    return withLimits({ rules: used, oneWay: {} }, maxSize, '');
  }
  const oneWay: Partial<Record<Direction, Filter>> = {};
  for (const direction of directions) {
    if (!rules.some((rule) => rule.only === direction)) continue;
    const used = rules.filter((rule) => rule.only === undefined || rule.only === direction);
    oneWay[direction] = createFilter({ rules: used, defaults: false, droppings: false });
  }
  const signature = directions.map((direction) => oneWay[direction]?.signature() ?? '').join('\n');
  return withLimits({ rules: rules.filter((rule) => rule.only === undefined), oneWay }, maxSize, signature);
}

function withLimits(
  wishes: Omit<FilterWishes, 'limits'>,
  maxSize: number | null,
  oneWaySignature: string,
): FilterWishes {
  const { up, down } = wishes.oneWay;
  if (maxSize === null && up === undefined && down === undefined) return wishes;
  const limits: Limits = {
    maxSize,
    isClosed: (side, path, kind) => (side === 'remote' ? up : down)?.excludes(path, kind) ?? false,
    signature: `${String(maxSize ?? '')}\n${oneWaySignature}`,
  };
  return { ...wishes, limits };
}
