const firstMs = 1000;
const longestMs = 60_000;

/**
 * How long to wait before the next attempt to connect: 1 s, doubled after each failure up to 60 s, a quarter more or
 * less of it, so that many agents do not come back at once.
 * @param failures in a row, 1 at least
 * @param random at least 0, less than 1
 */
export function backoffMs(failures: number, random: number): number {
  const plainMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.min(longestMs, Math.round(plainMs * (0.75 + random / 2)));
}

/** How long to wait after a connection that worked was lost: most often the server is back at once. */
export function firstRetryMs(random: number): number {
  return Math.round(200 + random * 800);
}
