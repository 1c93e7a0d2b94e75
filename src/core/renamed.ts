import { ancestorsOf } from './path.js';

interface Renamed {
  readonly from: string;
  readonly to: string;
  /** How many came before it. */
  readonly turn: number;
}

/** Renames that nobody made: what bears which name then, and where that is in truth. A directory goes with all that is in it. */
export class RenamedPaths {
  readonly #byOld = new Map<string, Renamed>();
  readonly #byNew = new Map<string, Renamed>();
  #turns = 0;

  /** The latest one of an old name, and of a new name, counts. */
  add(from: string, to: string): void {
    const renamed = { from, to, turn: this.#turns++ };
    this.#byOld.set(from, renamed);
    this.#byNew.set(to, renamed);
  }

  /** Where that is which would bear this name; `null`: nothing would. */
  placeOf(name: string): string | null {
    let place = name;
    for (let before = this.#turns; ;) {
      const brought = latest(this.#byNew, place, before);
      const taken = latest(this.#byOld, place, before);
      if (brought === null && taken === null) return place;
      if (brought === null || (taken !== null && taken.turn > brought.turn)) return null;
      place = brought.from + place.slice(brought.to.length);
      before = brought.turn;
    }
  }

  /** The name that what is at this place would bear. */
  nameAt(place: string): string {
    let name = place;
    for (let after = -1; ;) {
      const taken = earliest(this.#byOld, name, after);
      if (taken === null) return name;
      name = taken.to + name.slice(taken.from.length);
      after = taken.turn;
    }
  }
}

function* covering(renames: ReadonlyMap<string, Renamed>, path: string): Generator<Renamed> {
  if (renames.size === 0) return;
  for (const at of [...ancestorsOf(path), path]) {
    const renamed = renames.get(at);
    if (renamed !== undefined) yield renamed;
  }
}

function latest(renames: ReadonlyMap<string, Renamed>, path: string, before: number): Renamed | null {
  let found: Renamed | null = null;
  for (const renamed of covering(renames, path))
    if (renamed.turn < before && renamed.turn > (found?.turn ?? -1)) found = renamed;
  return found;
}

function earliest(renames: ReadonlyMap<string, Renamed>, path: string, after: number): Renamed | null {
  let found: Renamed | null = null;
  for (const renamed of covering(renames, path))
    if (renamed.turn > after && renamed.turn < (found?.turn ?? Infinity)) found = renamed;
  return found;
}
