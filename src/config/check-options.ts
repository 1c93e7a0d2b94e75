/** Options as a program gives them: types do not bind JavaScript, and what is not known must not be passed over. */
import { nearestName } from './nearest.js';
import { type ConfigProblem, ConfigurationError, notAllowed } from './problems.js';
import { type SettingSchema, type SettingType, settingSchemas } from './schema.js';

/**
 * Refuses options whose name is not known, and values of another type than the setting of that name has. What is
 * `undefined` counts as left out.
 * @param known the names; those of settings are checked as these
 * @param required those that may not be left out
 * @throws ConfigurationError naming all mistakes at once
 */
export function checkOptions(
  options: object,
  known: readonly string[],
  required: readonly string[] = [],
): void {
  const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
  const schemas: Readonly<Record<string, SettingSchema>> = settingSchemas;
  const problems: ConfigProblem[] = [];
  for (const [key, value] of given) {
    if (!known.includes(key)) problems.push({ place: '', key, ...notKnown(key, known) });
    else if (Object.hasOwn(schemas, key) && !isOfType(value, schemas[key]!))
      problems.push({ place: '', key, ...notAllowed(value, schemas[key]!.description) });
  }
  for (const key of required) {
    if (given.has(key)) continue;
    problems.push({ place: '', key, wrong: 'is missing', hint: `Allowed: ${schemas[key]!.description}` });
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

function notKnown(key: string, known: readonly string[]): Pick<ConfigProblem, 'wrong' | 'hint'> {
  const near = nearestName(key, known);
  const hint = near === null ? `Known: ${known.join(', ')}` : `Did you mean ${near}?`;
  return { wrong: 'is not a known option', hint };
}

/** By type alone: what a value may be is checked where it is understood. */
function isOfType(value: unknown, schema: SettingSchema): boolean {
  const types: readonly SettingType[] = typeof schema.type === 'string' ? [schema.type] : schema.type;
  return types.some((type) => {
    switch (type) {
      case 'integer':
      case 'number':
        return typeof value === 'number';
      case 'array':
        return Array.isArray(value) && value.every((item) => isOfType(item, schema.items ?? schema));
      case 'object':
        return isObjectOf(value, schema);
      default:
        return typeof value === type;
    }
  });
}

function isObjectOf(value: unknown, { properties = {}, required = [] }: SettingSchema): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const given = Object.entries(value).filter(([, item]) => item !== undefined);
  return (
    given.every(([key, item]) => Object.hasOwn(properties, key) && isOfType(item, properties[key]!)) &&
    required.every((key) => given.some(([name]) => name === key))
  );
}
