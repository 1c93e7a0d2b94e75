import type { Context } from './context.js';

/** What failed in an earlier run is tried again at once, `limit` paths at most. */
export async function retryProblems({ state }: Context, limit: number): Promise<void> {
  const rows = await state.queue.problems(limit);
  await state.queue.put(rows.map(({ path, sinceMs }) => ({ path, cause: 'retry', sinceMs })));
}
