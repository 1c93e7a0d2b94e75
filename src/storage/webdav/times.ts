/** Sets modification times by PROPPATCH, where the server has a property for that. */
import type { WebdavContext } from './context.js';
import type { Attempt } from './failures.js';

/** Asks for the time; what the server made of it shows in the next look. Times are cut to whole seconds. */
export async function patchTime(
  context: WebdavContext,
  attempt: Attempt,
  path: string,
  mtimeMs: number,
  property = context.abilities.times.patch,
): Promise<void> {
  if (property === null) return;
  const seconds = Math.floor(mtimeMs / 1000);
  const value = property === 'lastmodified' ? String(seconds) : new Date(seconds * 1000).toUTCString();
  const body =
    '<?xml version="1.0" encoding="utf-8"?><propertyupdate xmlns="DAV:"><set><prop>' +
    `<${property}>${value}</${property}></prop></set></propertyupdate>`;
  await context.command(attempt, {
    method: 'PROPPATCH',
    url: context.urls.below(path),
    headers: { 'Content-Type': 'application/xml; charset=utf-8' },
    body,
  });
}
