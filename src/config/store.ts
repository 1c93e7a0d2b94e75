/** A configuration file, read through conf and checked against a JSON schema. Reading never writes. */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import type { Options as ConfOptions } from 'conf';
import { errnoOf, hasErrno } from '../core/errors.js';
import { type JsonText, JsonSyntaxError, readJson } from './json-text.js';
import { ConfigurationError } from './problems.js';
import type { SettingSchema } from './schema.js';

/** One way in which the content does not follow the schema. */
export interface Violation {
  /** The value, as a JSON pointer (RFC 6901); for a missing or unknown key, the object. */
  readonly pointer: string;
  readonly value: unknown;
  /** The schema of the value. */
  readonly schema: SettingSchema;
  /** The missing or unknown key, if that is what is wrong. */
  readonly missing?: string;
  readonly unknown?: string;
}

/** What a file holds. */
export interface Store {
  /** As it was written, checked or not: `violations` says what of it can be relied on. */
  readonly value: unknown;
  readonly text: JsonText;
  readonly violations: readonly Violation[];
}

/** Nobody writes more by hand. */
const fileBytesMax = 1024 * 1024;

/**
 * Reads a JSON file.
 * @param schema of an object, without defaults
 * @returns `null` when there is no such file
 * @throws ConfigurationError when it cannot be read or is no JSON object
 */
export async function readStore(file: string, schema: SettingSchema): Promise<Store | null> {
  // Without a file conf makes its folder: it is asked only when there is one. It also takes 150 ms to load.
  if (!(await isThere(file))) return null;
  const { default: Conf } = await import('conf');
  const read: Mutable<Omit<Store, 'value'>> = { text: readJson('{}'), violations: [] };
  try {
    const conf = new Conf({
      cwd: dirname(file),
      configName: basename(file, extname(file)),
      fileExtension: extname(file).slice(1),
      // Keys are names, not paths into the object.
      accessPropertiesByDotNotation: false,
      clearInvalidConfig: false,
      deserialize: (content) => {
        read.text = readJson(content);
        return objectOf(file, read.text.value, schema);
      },
      rootSchema: { [collecting]: schema },
      ajvOptions: validation((violations) => (read.violations = violations)),
    });
    return { value: conf.store, ...read };
  } catch (error) {
    throw unreadable(file, error);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Validation = NonNullable<ConfOptions<Record<string, unknown>>['ajvOptions']>;

const collecting = 'collect';

/**
 * How conf's validator (ajv) works. conf throws all violations in one sentence; so the schema is wrapped in a keyword
 * of our own, which compiles it with that validator, hands over what it finds one by one, and accepts everything.
 */
function validation(found: (violations: readonly Violation[]) => void): Validation {
  return {
    useDefaults: false,
    allowUnionTypes: true,
    // Errors carry the value and the schema that it does not follow.
    verbose: true,
    keywords: [
      {
        keyword: collecting,
        schemaType: 'object',
        compile: (inner: object, _parent, { self }) => {
          const validate = self.compile(inner);
          return (data: unknown) => {
            found(validate(data) ? [] : (validate.errors ?? []).map(violationOf));
            return true;
          };
        },
      },
    ],
  };
}

async function isThere(file: string): Promise<boolean> {
  try {
    const { size } = await stat(file);
    if (size <= fileBytesMax) return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw unreadable(file, error);
  }
  throw new ConfigurationError([
    { place: file, key: '', wrong: `has more than ${String(fileBytesMax)} bytes: it is no configuration` },
  ]);
}

/** conf takes what is no object for an empty one. */
function objectOf(file: string, value: unknown, schema: SettingSchema): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ConfigurationError([
    { place: file, key: '', wrong: 'it holds no JSON object', hint: `Allowed: ${schema.description}` },
  ]);
}

/** What the validator (ajv) says of one error. */
interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly parentSchema?: object;
  readonly data?: unknown;
}

function violationOf({ instancePath, keyword, params, parentSchema, data }: SchemaError): Violation {
  return {
    pointer: instancePath,
    value: data,
    // `verbose` gives the very object that was compiled, a part of ours.
    schema: parentSchema as SettingSchema,
    ...(keyword === 'required' ? { missing: String(params.missingProperty) } : {}),
    ...(keyword === 'additionalProperties' ? { unknown: String(params.additionalProperty) } : {}),
  };
}

function unreadable(file: string, error: unknown): unknown {
  if (error instanceof ConfigurationError) return error;
  if (error instanceof JsonSyntaxError) {
    const { line, column, reason } = error;
    const wrong = `no valid JSON: ${reason}`;
    return new ConfigurationError([{ place: file, line, column, key: '', wrong }], error);
  }
  const code = errnoOf(error);
  if (code === null) return error;
  const hint = 'It has to be a file that this user may read';
  return new ConfigurationError([{ place: file, key: '', wrong: `cannot be read (${code})`, hint }], error);
}
