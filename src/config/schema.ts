/** What a configuration may hold: the keys of towline.json, of a profile, and of the environment. */
import type { Compare } from '../core/compare.js';
import {
  conflictPolicies,
  type ConflictPolicy,
  driftPolicies,
  type DriftPolicy,
  type Mode,
  modes,
} from '../core/policy.js';
import type { AfterSyncOption, RuleOption } from './options.js';
import { type Transport, transports } from './transport.js';

/** The settings as they are written, before paths are resolved and lists are made of single values. */
export interface Settings {
  readonly local?: string;
  readonly remote?: string;
  readonly mode?: Mode;
  readonly conflict?: ConflictPolicy;
  readonly maxConflictCopies?: number;
  readonly onDrift?: DriftPolicy;
  readonly port?: number;
  readonly identityFiles?: string | readonly string[];
  readonly sshConfig?: string;
  readonly acceptNew?: boolean;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly passphraseFile?: string;
  readonly delete?: boolean;
  readonly maxDelete?: number | string;
  readonly compare?: Compare;
  readonly exclude?: string | readonly string[];
  readonly include?: string | readonly string[];
  readonly excludeUp?: string | readonly string[];
  readonly excludeDown?: string | readonly string[];
  readonly excludeFrom?: string | readonly string[];
  readonly filterFrom?: string | readonly string[];
  readonly maxSize?: number | string;
  readonly gitignore?: boolean;
  readonly editorFiles?: boolean;
  readonly chmod?: string;
  readonly mkpath?: boolean;
  readonly force?: boolean;
  readonly fsync?: boolean;
  readonly verify?: 'none' | 'size' | 'checksum';
  readonly bwlimit?: number;
  readonly concurrency?: number;
  readonly transport?: Transport;
  readonly afterSync?: AfterSyncOption | readonly AfterSyncOption[];
  readonly every?: string;
  readonly stateDir?: string;
  readonly settleMs?: number;
  readonly settleMaxMs?: number;
  readonly rescanMinutes?: number;
  readonly remotePollSeconds?: number;
}

export type SettingType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';

/**
 * The part of JSON Schema (draft 2020-12) that is used here. There is no `default`: conf would write it into the file.
 * A union of types stands in for `anyOf`, which reports each branch that does not fit.
 */
export interface SettingSchema {
  readonly type: SettingType | readonly SettingType[];
  /** What is allowed, as messages say it. */
  readonly description: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: SettingSchema;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | SettingSchema;
}

/** Something other than blanks, and no NUL: neither a path nor a command can hold one. */
export const someText = String.raw`^[^\0]*[^\s\0][^\0]*$`;

const flag: SettingSchema = { type: 'boolean', description: 'true or false' };
const folder: SettingSchema = { type: 'string', pattern: someText, description: 'the path of a folder' };
const file: SettingSchema = { type: 'string', pattern: someText, description: 'the path of a file' };

function choice(values: readonly string[]): SettingSchema {
  const quoted = values.map((value) => JSON.stringify(value));
  return {
    type: 'string',
    enum: values,
    description: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)!}`,
  };
}

function listOf(one: SettingSchema, description: string): SettingSchema {
  return { ...one, type: ['string', 'array'], items: one, description };
}

function numberFrom(minimum: number, maximum: number, unit = ''): SettingSchema {
  const description = `a number${unit} from ${String(minimum)} to ${String(maximum)}`;
  return { type: 'number', minimum, maximum, description };
}

const files = listOf(file, 'the path of a file, or a list of paths');
const pattern: SettingSchema = {
  type: 'string',
  pattern: someText,
  description: 'a pattern as in .gitignore',
};
const patterns = listOf(pattern, 'a pattern as in .gitignore, or a list of patterns');

const hookProperties: Readonly<Record<keyof AfterSyncOption, SettingSchema>> = {
  command: { type: 'string', pattern: someText, description: 'a command for the shell' },
  where: { type: 'string', enum: ['local', 'remote'], description: '"local" or "remote"' },
  patterns: { type: 'array', items: pattern, description: 'a list of patterns as in .gitignore' },
  timeoutSeconds: numberFrom(1, 86_400, ' of seconds'),
};

const hook: SettingSchema = {
  type: 'object',
  properties: hookProperties,
  required: ['command'],
  additionalProperties: false,
  description: 'an object such as { "command": "make" }, "where" being "local" or "remote"',
};

const ruleProperties: Readonly<Record<keyof RuleOption, SettingSchema>> = {
  type: choice(['exclude', 'include']),
  pattern: { type: 'string', description: 'a pattern as in .gitignore' },
  source: { type: 'string', description: 'a name' },
  line: { type: 'integer', minimum: 1, description: 'a number from 1' },
  only: choice(['up', 'down']),
};

/** What the library takes as `rules`. */
export const rulesSchema: SettingSchema = {
  type: 'array',
  items: { type: 'object', properties: ruleProperties, required: ['type', 'pattern'], description: 'a rule' },
  description:
    'a list of rules such as { "type": "exclude", "pattern": "*.tmp" }, "type" being "exclude" or "include", and "only" ' +
    '"up" or "down"',
};

/** Each key, and what is allowed there. Ranges are those of `resolveOptions`. */
export const settingSchemas: Readonly<Record<keyof Settings, SettingSchema>> = {
  local: folder,
  remote: {
    type: 'string',
    // Or a folder of this machine, by its whole path.
    pattern: String.raw`^(?:[^/:]*@)?\[[^/\]]*\]:|^[^/:]+:|^/`,
    description: '[USER@]HOST:PATH, such as "dev@box:/srv/app"',
  },
  mode: choice(modes),
  conflict: choice(conflictPolicies),
  maxConflictCopies: {
    type: 'integer',
    minimum: 1,
    maximum: 1_000,
    description: 'a whole number from 1 to 1000',
  },
  onDrift: choice(driftPolicies),
  port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'a whole number from 1 to 65535' },
  identityFiles: files,
  sshConfig: file,
  acceptNew: flag,
  passwordFile: file,
  passwordCommand: { type: 'string', pattern: someText, description: 'a command for the shell' },
  passphraseFile: file,
  delete: flag,
  maxDelete: {
    type: ['integer', 'string'],
    minimum: 0,
    maximum: 999_999_999_999,
    pattern: String.raw`^(?:\d{1,12}|(?:\d{1,2}|100)%)$`,
    description: 'a number of paths (100) or a share of the known ones ("30%")',
  },
  compare: {
    type: 'string',
    enum: ['size', 'mtime+size', 'checksum'] satisfies readonly Compare[],
    description: '"size", "mtime+size" or "checksum"',
  },
  exclude: patterns,
  include: patterns,
  excludeUp: patterns,
  excludeDown: patterns,
  excludeFrom: files,
  filterFrom: files,
  maxSize: {
    type: ['integer', 'string'],
    minimum: 0,
    maximum: 999_999_999_999,
    pattern: String.raw`^\d{1,12}(?:\.\d{1,6})?[kmgtKMGT]?(?:[iI]?[bB])?$`,
    description: 'a number of bytes, or a size such as "500k", "10M" or "1.5G"',
  },
  gitignore: flag,
  editorFiles: flag,
  chmod: { type: 'string', description: 'modes as in "D755,F644" or "u+rwX,go-w"' },
  mkpath: flag,
  force: flag,
  fsync: flag,
  verify: choice(['none', 'size', 'checksum']),
  bwlimit: {
    type: 'number',
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'a number of KiB/s, 1 or more, or 0 for no limit',
  },
  concurrency: { type: 'integer', minimum: 1, maximum: 256, description: 'a whole number from 1 to 256' },
  transport: choice(transports),
  afterSync: {
    ...hook,
    type: ['object', 'array'],
    items: hook,
    description: `${hook.description}, or a list of them`,
  },
  every: {
    type: 'string',
    pattern: String.raw`^0*[1-9]\d{0,5}[smhd]$`,
    description: 'a time such as "30s", "15m", "1h" or "1d"',
  },
  stateDir: folder,
  settleMs: numberFrom(0, 60_000, ' of ms'),
  settleMaxMs: numberFrom(0, 3_600_000, ' of ms'),
  rescanMinutes: numberFrom(0.05, 10_080, ' of minutes'),
  remotePollSeconds: numberFrom(1, 86_400, ' of seconds'),
};

/** What towline.json holds, and each profile. */
export const settingsSchema: SettingSchema = {
  type: 'object',
  properties: settingSchemas,
  additionalProperties: false,
  description: 'an object with settings, such as { "local": ".", "remote": "dev@box:/srv/app" }',
};

/** What the user's own file holds. */
export const profilesSchema: SettingSchema = {
  type: 'object',
  properties: {
    profiles: {
      type: 'object',
      additionalProperties: settingsSchema,
      description: 'an object with a profile under each name',
    },
  },
  required: ['profiles'],
  additionalProperties: false,
  description:
    'an object such as { "profiles": { "NAME": { "local": "/app", "remote": "dev@box:/srv/app" } } }',
};
