/** What every storage asks of a path before it does anything with it: names from the other side are data. */
import { TowlineError } from '../core/errors.js';
import { nameProblem } from '../core/path.js';

/**
 * The components of a relative path that names something below the root.
 * @throws `name` when a component could lead out of the root or cannot be carried (`..`, empty, NUL, U+FFFD), so for
 * absolute paths and for `''` too
 */
export function componentsOf(path: string): string[] {
  const components = path.split('/');
  for (const component of components) {
    const problem = nameProblem(component);
    if (problem === null) continue;
    throw new TowlineError(
      'name',
      `${JSON.stringify(path)} is refused: ${JSON.stringify(component)} ${problem}`,
      {
        path,
        hint: 'Rename it, or exclude it',
      },
    );
  }
  return components;
}

/** As `componentsOf`, for calls that take the root too: none for `''`. */
export function componentsOrRoot(path: string): string[] {
  return path === '' ? [] : componentsOf(path);
}

/**
 * Refuses a temp name that is not one component.
 * @throws `name`
 */
export function checkName(name: string): void {
  if (componentsOf(name).length > 1) {
    throw new TowlineError(
      'name',
      `${JSON.stringify(name)} is refused as the name of a temp: it holds a slash`,
      { path: name },
    );
  }
}
