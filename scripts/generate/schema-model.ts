// Reads the JSON Schema subset of plugin configurations into a small model. Anything outside the subset is an error
// here, so that decoder, types and documentation cannot differ silently.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { withStages } from './stages.ts';

export interface Schema {
  $comment?: string;
  $defs?: Record<string, Schema>;
  $ref?: string;
  $schema?: string;
  title?: string;
  description?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: Schema;
  maxItems?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  enum?: string[];
  default?: unknown;
  'x-fim-raw'?: boolean;
  'x-fim-stages'?: boolean;
  'x-fim-lazy'?: boolean;
  'x-unit'?: string;
}

export type FieldType =
  | { kind: 'string'; maxBytes: number; default: string | undefined }
  | { kind: 'integer'; minimum: number; maximum: number; wide: boolean; default: number | undefined }
  | { kind: 'boolean'; default: boolean | undefined }
  | { kind: 'enum'; name: string; default: string | undefined }
  | { kind: 'object'; name: string }
  | { kind: 'raw'; name: string }
  /** `lazy`: the decoder leaves the items to the stage, as node handles. */
  | { kind: 'array'; maximum: number; item: FieldType; lazy: boolean };

export interface Field {
  name: string;
  required: boolean;
  description: string;
  type: FieldType;
}

export interface ClassModel {
  name: string;
  description: string;
  fields: Field[];
}

export interface EnumModel {
  name: string;
  description: string;
  values: string[];
}

/** One schema file: its classes in order of dependence, the entry class last. */
export interface SchemaModel {
  /** Path from the root of the repository. */
  path: string;
  entry: string;
  classes: ClassModel[];
  enums: EnumModel[];
}

const KNOWN = new Set([
  '$comment',
  '$defs',
  '$ref',
  '$schema',
  '$id',
  'title',
  'description',
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'maxItems',
  'maxLength',
  'minimum',
  'maximum',
  'enum',
  'default',
  'x-fim-lazy',
  'x-fim-raw',
  'x-unit',
  'examples',
]);
const IDENTIFIER = /^[A-Za-z][A-Za-z0-9]*$/;
const RESERVED = new Set(['node', 'constructor']);

class Reader {
  readonly classes = new Map<string, ClassModel>();
  readonly enums = new Map<string, EnumModel>();
  private readonly root: Schema;

  readonly repository: string;
  readonly path: string;

  constructor(repository: string, path: string) {
    this.repository = repository;
    this.path = path;
    this.root = withStages(JSON.parse(readFileSync(join(repository, path), 'utf8')) as Schema);
  }

  read(): SchemaModel {
    const entry = this.classOf(this.root, '#');
    return { path: this.path, entry, classes: [...this.classes.values()], enums: [...this.enums.values()] };
  }

  private fail(where: string, what: string): never {
    throw new Error(`${this.path} ${where}: ${what}`);
  }

  private resolve(schema: Schema, where: string): Schema {
    if (schema.$ref === undefined) return schema;
    const name = /^#\/\$defs\/(\w+)$/.exec(schema.$ref)?.[1];
    const target = name === undefined ? undefined : this.root.$defs?.[name];
    if (target === undefined) this.fail(where, `unknown $ref ${schema.$ref}`);
    return {
      ...target,
      ...(schema.description === undefined ? {} : { description: schema.description }),
      ...(schema.default === undefined ? {} : { default: schema.default }),
    };
  }

  private title(schema: Schema, where: string): string {
    if (schema.title === undefined || !IDENTIFIER.test(schema.title))
      this.fail(where, 'needs a title that is an identifier');
    return schema.title;
  }

  private classOf(schema: Schema, where: string): string {
    const name = this.title(schema, where);
    if (this.classes.has(name)) return name;
    if (schema.type !== 'object' || schema.additionalProperties !== false)
      this.fail(where, 'an object needs additionalProperties: false');
    const required = new Set(schema.required ?? []);
    const fields: Field[] = [];
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      if (!IDENTIFIER.test(key) || RESERVED.has(key)) this.fail(`${where}/${key}`, 'is no usable field name');
      const type = this.typeOf(value, `${where}/${key}`, required.has(key));
      fields.push({
        name: key,
        required: required.has(key),
        description: this.describe(value, `${where}/${key}`),
        type,
      });
    }
    for (const key of required)
      if (!fields.some((field) => field.name === key)) this.fail(where, `requires unknown ${key}`);
    this.classes.set(name, { name, description: schema.description ?? '', fields });
    return name;
  }

  private describe(value: Schema, where: string): string {
    const text = value.description ?? (value['x-fim-raw'] ? '' : this.resolve(value, where).description) ?? '';
    if (text === '' && !value['x-fim-raw']) this.fail(where, 'needs a description');
    return text;
  }

  private enumOf(schema: Schema, where: string): string {
    const name = this.title(schema, where);
    this.enums.set(name, { name, description: schema.description ?? '', values: schema.enum ?? [] });
    return name;
  }

  private rawName(schema: Schema, where: string): string {
    if (schema.$ref === undefined) return '';
    const target = join(this.repository, normalize(join(dirname(this.path), schema.$ref)));
    return existsSync(target) ? this.title(JSON.parse(readFileSync(target, 'utf8')), where) : '';
  }

  private typeOf(raw: Schema, where: string, required: boolean): FieldType {
    for (const key of Object.keys(raw)) if (!KNOWN.has(key)) this.fail(where, `keyword ${key} is not in the subset`);
    if (raw['x-fim-raw']) return { kind: 'raw', name: this.rawName(raw, where) };
    const schema = this.resolve(raw, where);
    const preset = schema.default;
    const scalar = schema.type !== 'object' && schema.type !== 'array';
    if (scalar && schema.type !== 'string' && !required && preset === undefined)
      this.fail(where, 'an optional scalar needs a default');
    if (schema.enum !== undefined) {
      if (!required && preset === undefined) this.fail(where, 'an optional enum needs a default');
      if (preset !== undefined && !schema.enum.includes(preset as string)) this.fail(where, 'default is not a member');
      return { kind: 'enum', name: this.enumOf(schema, where), default: preset as string | undefined };
    }
    switch (schema.type) {
      case 'string':
        if (schema.maxLength === undefined) this.fail(where, 'a string needs maxLength (bytes)');
        return { kind: 'string', maxBytes: schema.maxLength, default: preset as string | undefined };
      case 'integer': {
        const { minimum, maximum } = schema;
        if (minimum === undefined || maximum === undefined) this.fail(where, 'an integer needs minimum and maximum');
        return {
          kind: 'integer',
          minimum,
          maximum,
          wide: minimum < -(2 ** 31) || maximum >= 2 ** 31,
          default: preset as number | undefined,
        };
      }
      case 'boolean':
        return { kind: 'boolean', default: preset as boolean | undefined };
      case 'object':
        return { kind: 'object', name: this.classOf(schema, where) };
      case 'array':
        if (schema.maxItems === undefined || schema.items === undefined)
          this.fail(where, 'an array needs items and maxItems');
        return {
          kind: 'array',
          maximum: schema.maxItems,
          item: this.typeOf(schema.items, `${where}[]`, true),
          lazy: raw['x-fim-lazy'] === true,
        };
      default:
        return this.fail(where, `type ${schema.type} is not in the subset`);
    }
  }
}

/** Reads one schema file. Throws with file and place if it is outside the subset. */
export function readSchema(repository: string, path: string): SchemaModel {
  return new Reader(repository, path).read();
}
