/** Settings from the environment: `TOWLINE_` and the key in upper snake case, such as TOWLINE_STATE_DIR. */
import { type ConfigProblem, notAllowed } from './problems.js';
import { type Settings, type SettingSchema, settingSchemas } from './schema.js';

/** The variable that stands for a key. */
export function variableOf(key: string): string {
  return `TOWLINE_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * The settings that `env` holds. Lists have one item on each line; TOWLINE_AFTER_SYNC is the command of one hook. An
 * empty variable is none.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  readonly settings: Settings;
  readonly problems: readonly ConfigProblem[];
} {
  const settings: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [key, schema] of Object.entries(settingSchemas)) {
    const place = variableOf(key);
    const text = env[place];
    if (text === undefined || text === '') continue;
    const value = valueOf(text, schema);
    if (value === undefined) problems.push({ place, key: '', ...notAllowed(text, schema.description) });
    else settings[key] = value;
  }
  return { settings, problems };
}

/** The value `text` stands for; undefined when the schema does not allow it. */
function valueOf(text: string, schema: SettingSchema): unknown {
  const types: readonly string[] = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types.includes('object')) return { command: text };
  if (types.includes('array')) return listOf(text, schema.items ?? schema);
  if (types.includes('boolean')) return booleans.get(text.toLowerCase());
  if (types.includes('string')) return allowedText(text, schema);
  return allowedNumber(text, schema);
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

function listOf(text: string, schema: SettingSchema): string[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.every((line) => allowedText(line, schema) !== undefined) ? lines : undefined;
}

function allowedText(text: string, schema: SettingSchema): string | undefined {
  if (schema.enum?.includes(text) === false) return undefined;
  return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(text) ? text : undefined;
}

function allowedNumber(text: string, schema: SettingSchema): number | undefined {
  if (!/^\d{1,12}(?:\.\d{1,6})?$/.test(text)) return undefined;
  const { type, minimum = -Infinity, maximum = Infinity } = schema;
  const value = Number(text);
  if (type === 'integer' && !Number.isInteger(value)) return undefined;
  return value >= minimum && value <= maximum ? value : undefined;
}
