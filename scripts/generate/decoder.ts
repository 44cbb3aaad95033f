// Generates a strict AssemblyScript decoder over ConfigReader from a schema model.
import { dirname, relative } from 'node:path';
import { banner } from './output.ts';
import type { ClassModel, EnumModel, Field, FieldType, SchemaModel } from './schema-model.ts';

/** Identifier of an enum value. Characters that identifiers cannot contain become `_`. */
export function enumMember(value: string): string {
  const name = value.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(name) || name === '' ? `_${name}` : name;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function constantName(owner: string, field: string): string {
  return `${owner}_${field}`.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

function typeName(type: FieldType): string {
  switch (type.kind) {
    case 'string':
      return 'Bytes';
    case 'integer':
      return type.wide ? 'i64' : 'i32';
    case 'boolean':
      return 'bool';
    case 'enum':
      return type.name;
    case 'object':
      return type.name;
    case 'raw':
      return 'u32';
    case 'array':
      return `StaticArray<${type.lazy ? 'u32' : typeName(type.item)}>`;
  }
}

function initial(owner: ClassModel, field: Field): string {
  const { type } = field;
  switch (type.kind) {
    case 'string':
      return type.default ? constantName(owner.name, field.name) : 'Bytes.EMPTY';
    case 'integer':
      return String(type.default ?? (type.minimum > 0 ? type.minimum : 0));
    case 'boolean':
      return String(type.default ?? false);
    case 'enum':
      return type.default === undefined ? `<${type.name}>0` : `${type.name}.${enumMember(type.default)}`;
    case 'object':
      return field.required ? `new ${type.name}()` : 'null';
    case 'raw':
      return '0';
    case 'array':
      return `new ${typeName(type)}(0)`;
  }
}

function classText(model: ClassModel): string {
  const fields = model.fields.map((field) => {
    const nullable = field.type.kind === 'object' && !field.required;
    return `  /** ${field.description || 'Left to the stage: the handle of its node, 0 if absent.'} */\n  ${field.name}: ${typeName(field.type)}${nullable ? ' | null' : ''} = ${initial(model, field)};`;
  });
  return `/** ${model.description || model.name} */
export class ${model.name} {
  /** Its place in the document, for errors that are found later. */
  node: u32 = 0;
${fields.join('\n')}
}`;
}

function readExpression(type: FieldType, node: string): string {
  switch (type.kind) {
    case 'string':
      return `reader.readString(${node}, ${type.maxBytes})`;
    case 'integer':
      return type.wide
        ? `reader.readInteger(${node}, ${type.minimum}, ${type.maximum})`
        : `<i32>reader.readInteger(${node}, ${type.minimum}, ${type.maximum})`;
    case 'boolean':
      return `reader.readBoolean(${node})`;
    case 'enum':
      return `read${type.name}(reader, ${node})`;
    case 'object':
      return `decode${type.name}(reader, ${node})`;
    case 'raw':
      return node;
    case 'array':
      return `read${arrayName(type)}(reader, ${node})`;
  }
}

function arrayName(type: FieldType): string {
  if (type.kind !== 'array') return typeName(type);
  if (type.lazy) return `NodeList${type.maximum}`;
  const limit =
    type.item.kind === 'string'
      ? `${type.item.maxBytes}`
      : type.item.kind === 'integer'
        ? `${type.item.minimum}To${type.item.maximum}`
        : '';
  return `${typeName(type.item).replaceAll(/\W/g, '')}${limit}List${type.maximum}`;
}

function decoderText(model: ClassModel): string {
  const required = model.fields.filter((field) => field.required);
  const branches = model.fields.map((field) => {
    const bit = required.indexOf(field);
    const mark = bit < 0 ? '' : `\n      seen |= ${2 ** bit};`;
    return `if (reader.keyIs(member, ${quote(field.name)})) {\n      result.${field.name} = ${readExpression(field.type, 'member')};${mark}\n    }`;
  });
  if (required.length > 31) throw new Error(`${model.name}: more than 31 required fields`);
  const missing = required.map(
    (field, bit) => `  if (!(seen & ${2 ** bit})) reader.missing(node, ${quote(field.name)});`,
  );
  const walk =
    branches.length === 0
      ? '    reader.unknownMember(member);'
      : `    ${branches.join(' else ')} else {\n      reader.unknownMember(member);\n    }`;
  return `/** Strict: an unknown, absent or ill-typed member is \`reader.fail\`; what is returned then is not to be used. */
export function decode${model.name}(reader: ConfigReader, node: u32): ${model.name} {
  const result = new ${model.name}();
  result.node = node;
  if (!reader.expectObject(node)) return result;
${required.length > 0 ? '  let seen: u32 = 0;\n' : ''}  for (let member = reader.firstMember(node); member != 0; member = reader.nextMember(member)) {
${walk}
  }
${missing.length > 0 ? `${missing.join('\n')}\n` : ''}  return result;
}`;
}

function enumText(model: EnumModel): string {
  const members = model.values.map((value, index) => `  ${enumMember(value)} = ${index},`);
  return `/** ${model.description || model.name} */\nexport const enum ${model.name} {\n${members.join('\n')}\n}`;
}

function enumReaderText(model: EnumModel): string {
  const branches = model.values.map(
    (value) => `  if (reader.textIs(node, ${quote(value)})) return ${model.name}.${enumMember(value)};`,
  );
  return `function read${model.name}(reader: ConfigReader, node: u32): ${model.name} {
${branches.join('\n')}
  reader.fail(ErrorId.FIM_CFG_0015, node);
  return <${model.name}>0;
}`;
}

function arrayReaders(model: SchemaModel): string[] {
  const readers = new Map<string, string>();
  const visit = (type: FieldType): void => {
    if (type.kind !== 'array') return;
    visit(type.item);
    const name = arrayName(type);
    readers.set(
      name,
      `function read${name}(reader: ConfigReader, node: u32): ${typeName(type)} {
  const length = reader.arrayLength(node, ${type.maximum});
  const items = new ${typeName(type)}(length);
  let item = length > 0 ? reader.firstItem(node) : 0;
  for (let i = 0; i < length; i++) {
    unchecked((items[i] = ${type.lazy ? 'item' : readExpression(type.item, 'item')}));
    item = reader.nextItem(item);
  }
  return items;
}`,
    );
  };
  for (const owner of model.classes) for (const field of owner.fields) visit(field.type);
  return [...readers.values()];
}

function defaultConstants(model: SchemaModel): string[] {
  const lines: string[] = [];
  for (const owner of model.classes) {
    for (const field of owner.fields) {
      if (field.type.kind !== 'string' || !field.type.default) continue;
      lines.push(`const ${constantName(owner.name, field.name)}: Bytes = Bytes.from(${quote(field.type.default)});`);
    }
  }
  return lines;
}

/** Text of `config.gen.ts`. */
export function decoder(model: SchemaModel): string {
  const folder = dirname(model.path);
  const to = (path: string): string => {
    const way = relative(folder, path);
    return way.startsWith('.') ? way : `./${way}`;
  };
  const parts = [banner(model.path)];
  const body = [
    ...model.enums.map(enumText),
    ...defaultConstants(model),
    ...model.classes.map(classText),
    ...model.enums.map(enumReaderText),
    ...arrayReaders(model),
    ...model.classes.map(decoderText),
  ].join('\n\n');
  const imports = [
    /\bBytes\b/.test(body) ? `import { Bytes } from '${to('filters/memory/bytes')}';` : '',
    `import { ConfigReader } from '${to('filters/runtime/config-reader')}';`,
    /\bErrorId\b/.test(body) ? `import { ErrorId } from '${to('filters/errors.gen')}';` : '',
  ].filter((line) => line !== '');
  return `${[...parts, imports.join('\n'), '', body].join('\n')}\n`;
}
