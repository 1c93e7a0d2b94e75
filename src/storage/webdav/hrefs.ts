/** The addresses a server puts into its listings: data, of which only a name is ever used. */

/**
 * What an address is to the directory that was listed: that directory itself, the name of a child (decoded exactly once;
 * bytes that are no UTF-8 become U+FFFD), or foreign: something that was not asked for.
 */
export type Place =
  | { readonly type: 'self' }
  | { readonly type: 'child'; readonly name: string }
  | { readonly type: 'foreign' };

/**
 * Places an address.
 * @param directory the decoded components of the directory's path on the server
 */
export function placeOf(href: string, directory: readonly string[]): Place {
  // Scheme and host are not looked at: behind a proxy servers are often mistaken about their own.
  const path = href.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  if (!path.startsWith('/'))
    return path === '' && href !== '' && directory.length === 0 ? { type: 'self' } : { type: 'foreign' };
  const components = path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decodeOnce);
  if (components.length === 1 && components[0] === '') components.pop();
  if (directory.some((component, index) => components[index] !== component)) return { type: 'foreign' };
  const [name, ...deeper] = components.slice(directory.length);
  if (name === undefined) return { type: 'self' };
  return deeper.length === 0 ? { type: 'child', name } : { type: 'foreign' };
}

/** Percent-decodes one component; a percent sign that begins no byte stands for itself. */
function decodeOnce(component: string): string {
  if (!component.includes('%')) return component;
  return component.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
