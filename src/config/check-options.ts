/** Options as a program gives them: types do not bind JavaScript, and what is not known must not be passed over. */
import { TowlineError } from '../core/errors.js';
import { nearestName } from './nearest.js';
import { type ConfigProblem, ConfigurationError, notAllowed, shown } from './problems.js';
import { rulesSchema, type SettingSchema, type SettingType, settingSchemas, someText } from './schema.js';

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
  requireObject(options);
  const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
  const schemas: Readonly<Record<string, SettingSchema>> = { ...settingSchemas, rules: rulesSchema };
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

/**
 * Refuses what is not an object of options at all.
 * @throws `configuration`
 */
export function requireObject(options: unknown): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new TowlineError('configuration', `there are no options in ${shown(options ?? null)}`, {
    hint: "Give an object such as { local: './app', remote: 'dev@box:/srv/app' }",
  });
}

function notKnown(key: string, known: readonly string[]): Pick<ConfigProblem, 'wrong' | 'hint'> {
  const near = nearestName(key, known);
  const hint = near === null ? `Known: ${known.join(', ')}` : `Did you mean ${near}?`;
  return { wrong: 'is not a known option', hint };
}

/** By type alone, and for what no text may be: else what a value may be is checked where it is understood. */
function isOfType(value: unknown, schema: SettingSchema): boolean {
  const types: readonly SettingType[] = typeof schema.type === 'string' ? [schema.type] : schema.type;
  return types.some((type) => {
    switch (type) {
      case 'integer':
      case 'number':
        return typeof value === 'number';
      case 'array':
        return Array.isArray(value) && value.every((item) => isOfType(item, schema.items ?? schema));
      case 'string':
        return typeof value === 'string' && (schema.pattern !== someText || someTextPattern.test(value));
      case 'object':
        return isObjectOf(value, schema);
      default:
        return typeof value === type;
    }
  });
}

const someTextPattern = new RegExp(someText, 'u');

/** What is inside is named by nobody else: it has to be one of those that there are. */
function isAllowed(value: unknown, schema: SettingSchema): boolean {
  return isOfType(value, schema) && (schema.enum === undefined || schema.enum.some((one) => one === value));
}

function isObjectOf(value: unknown, { properties = {}, required = [] }: SettingSchema): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const given = Object.entries(value).filter(([, item]) => item !== undefined);
  return (
    given.every(([key, item]) => Object.hasOwn(properties, key) && isAllowed(item, properties[key]!)) &&
    required.every((key) => given.some(([name]) => name === key))
  );
}
