/** Reads what a helper writes: fields that each end in NUL, between two marks that nothing else can hold. */
import type { CommandStream } from '../../../ports-stream.js';

const nul = 0;

/**
 * Calls `field` with every field between the marks. What comes before the first (a login script may print) is passed over.
 * The fields share memory with what was read: copy what is to stay for long.
 * @param field says whether to go on
 * @returns whether the second mark came: without it the rest is missing
 * @throws what `stream.stdout` does, and what `field` throws
 */
export async function readFields(
  stream: CommandStream,
  marks: { readonly begin: string; readonly end: string },
  field: (data: Buffer) => boolean,
): Promise<boolean> {
  const begin = Buffer.from(marks.begin);
  const end = Buffer.from(marks.end);
  let begun = false;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of stream.stdout) {
    const data = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    for (let stop = data.indexOf(nul); stop !== -1; stop = data.indexOf(nul, at)) {
      if (!begun) begun = data.subarray(at, stop).subarray(-begin.length).equals(begin);
      else if (isAt(data, at, stop, end)) return true;
      else if (!field(data.subarray(at, stop))) return false;
      at = stop + 1;
    }
    rest = data.subarray(at);
    // Nothing we read is that long: this is no answer of ours.
    if (rest.length > fieldBytesMax) return false;
  }
  return false;
}

const fieldBytesMax = 1024 * 1024;

function isAt(data: Buffer, begin: number, end: number, wanted: Buffer): boolean {
  return end - begin === wanted.length && data.compare(wanted, 0, wanted.length, begin, end) === 0;
}
