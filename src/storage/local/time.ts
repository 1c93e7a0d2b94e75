/**
 * A time for `utimes` and its kin. Numbers keep fractions of a millisecond, but Node takes a negative one for "now":
 * times before 1970 go as dates.
 */
export function unixTime(ms: number): number | Date {
  return ms < 0 ? new Date(Math.floor(ms)) : ms / 1000;
}
