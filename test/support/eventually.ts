const pollMs = 10;

/**
 * Resolves as soon as `check` returns without throwing; rejects with its last failure after `limitMs`. For what only
 * shows in the world outside (a file on a server): there is no event to await.
 */
export async function eventually<T>(check: () => T | Promise<T>, limitMs = 30_000): Promise<T> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
