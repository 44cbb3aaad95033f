// Generates decoders, TypeScript types and README tables from filters/*/config.schema.json.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decoder } from './decoder.ts';
import { banner, cell, section, type Output } from './output.ts';
import { readSchema, type ClassModel, type FieldType, type SchemaModel } from './schema-model.ts';

function schemaPaths(repository: string): string[] {
  return readdirSync(join(repository, 'filters'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(repository, 'filters', entry.name, 'config.schema.json')))
    .map((entry) => `filters/${entry.name}/config.schema.json`)
    .sort();
}

function tsType(type: FieldType): string {
  switch (type.kind) {
    case 'string':
      return 'string';
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'enum':
      return type.name;
    case 'object':
      return type.name;
    case 'raw':
      return type.name || 'unknown';
    case 'array':
      return `${tsType(type.item)}[]`;
  }
}

function tsClass(model: ClassModel): string {
  const fields = model.fields.map(
    (field) =>
      `${field.description ? `  /** ${field.description} */\n` : ''}  ${field.name}${field.required ? '' : '?'}: ${tsType(field.type)};`,
  );
  return `/** ${model.description || model.name} */\nexport interface ${model.name} {\n${fields.join('\n')}\n}`;
}

function typeScript(models: SchemaModel[]): string {
  const parts = new Map<string, string>();
  const put = (name: string, text: string, path: string): void => {
    const known = parts.get(name);
    if (known !== undefined && known !== text)
      throw new Error(`${path}: ${name} is declared differently in another schema`);
    parts.set(name, text);
  };
  for (const model of models) {
    for (const item of model.enums)
      put(
        item.name,
        `/** ${item.description || item.name} */\nexport type ${item.name} = ${item.values.map((value) => `'${value}'`).join(' | ')};`,
        model.path,
      );
    for (const item of model.classes) put(item.name, tsClass(item), model.path);
  }
  return `${banner('filters/*/config.schema.json')}\n\n${[...parts.values()].join('\n\n')}\n`;
}

function typeCell(type: FieldType, model: SchemaModel): string {
  switch (type.kind) {
    case 'string':
      return `string, at most ${type.maxBytes} bytes`;
    case 'integer':
      return `integer, ${type.minimum} to ${type.maximum}`;
    case 'boolean':
      return 'boolean';
    case 'enum':
      return (
        model.enums
          .find((item) => item.name === type.name)
          ?.values.map((value) => `\`${value}\``)
          .join(', ') ?? ''
      );
    case 'object':
      return 'object';
    case 'raw':
      return type.name ? `object (${type.name})` : 'object';
    case 'array':
      return `at most ${type.maximum} of: ${typeCell(type.item, model)}`;
  }
}

function presetCell(type: FieldType, required: boolean): string {
  if (required) return 'required';
  if (!('default' in type)) return '';
  return type.default === undefined || type.default === '' ? '' : `\`${type.default}\``;
}

function tableRows(model: SchemaModel, owner: string, prefix: string): string[] {
  const rows: string[] = [];
  for (const field of model.classes.find((item) => item.name === owner)?.fields ?? []) {
    const inner = field.type.kind === 'array' ? field.type.item : field.type;
    const name = `${prefix}${field.name}${field.type.kind === 'array' ? '[]' : ''}`;
    rows.push(
      `| \`${name}\` | ${typeCell(field.type, model)} | ${presetCell(field.type, field.required)} | ${cell(field.description)} |`,
    );
    if (inner.kind === 'object') rows.push(...tableRows(model, inner.name, `${name}.`));
  }
  return rows;
}

function table(model: SchemaModel): string {
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...tableRows(model, model.entry, '')].join('\n');
}

/** Decoders, types and tables of every `filters/<folder>/config.schema.json`. */
export function pluginConfigOutputs(repository: string): Output[] {
  const models = schemaPaths(repository).map((path) => readSchema(repository, path));
  const outputs: Output[] = [];
  for (const model of models) {
    outputs.push({ path: `${dirname(model.path)}/config.gen.ts`, text: decoder(model) });
    outputs.push(...section(repository, `${dirname(model.path)}/README.md`, 'config', table(model)));
  }
  outputs.push({ path: 'envoy/route/plugin-config.gen.ts', text: typeScript(models) });
  return outputs;
}
