// TypeScript types of a JSON Schema. Objects and enumerations have a title, which is the type's name.
export interface TypedNode {
  $ref?: string;
  $defs?: Record<string, TypedNode>;
  title?: string;
  description?: string;
  type?: string;
  const?: number;
  enum?: string[];
  required?: string[];
  properties?: Record<string, TypedNode>;
  additionalProperties?: TypedNode | boolean;
  items?: TypedNode;
  anyOf?: TypedNode[];
}

const PLAIN: Record<string, string> = {
  integer: 'number',
  string: 'string',
  boolean: 'boolean',
  null: 'null',
};

/** Declares types by name, and returns the type of a node. `source`: for errors. */
export class JsonTypes {
  /** Declarations by name, in order of dependence. */
  readonly named = new Map<string, string>();
  private readonly root: TypedNode;
  private readonly source: string;

  constructor(root: TypedNode, source: string) {
    this.root = root;
    this.source = source;
    this.interfaceOf(root);
  }

  private typeOf(node: TypedNode): string {
    if (node.$ref !== undefined) {
      const target = this.root.$defs?.[node.$ref.replace('#/$defs/', '')];
      if (target === undefined) throw new Error(`${this.source}: unknown $ref ${node.$ref}`);
      return this.typeOf(target);
    }
    if (node.anyOf !== undefined) return node.anyOf.map((one) => this.typeOf(one)).join(' | ');
    if (node.const !== undefined) return String(node.const);
    if (node.enum !== undefined) return this.enumerationOf(node, node.enum);
    if (node.type === undefined) return 'unknown';
    if (node.type === 'array') return `${this.bracketed(node.items ?? {})}[]`;
    const plain = PLAIN[node.type];
    if (plain !== undefined) return plain;
    if (node.type !== 'object') throw new Error(`${this.source}: no type for ${JSON.stringify(node)}`);
    if (node.properties !== undefined) return this.interfaceOf(node);
    return `Record<string, ${this.typeOf(node.additionalProperties as TypedNode)}>`;
  }

  private bracketed(node: TypedNode): string {
    const type = this.typeOf(node);
    return type.includes(' | ') ? `(${type})` : type;
  }

  private enumerationOf({ title, description }: TypedNode, values: string[]): string {
    if (title === undefined) throw new Error(`${this.source}: an enumeration without title`);
    const union = values.map((value) => `'${value}'`).join(' | ');
    this.named.set(title, `/** ${description ?? title} */\nexport type ${title} = ${union};`);
    return title;
  }

  private interfaceOf({ title, description, required = [], properties = {} }: TypedNode): string {
    if (title === undefined) throw new Error(`${this.source}: an object without title`);
    const fields = Object.entries(properties).map(([name, child]) => {
      const type = this.typeOf(child);
      return `  /** ${child.description ?? this.described(child)} */\n  ${name}${required.includes(name) ? '' : '?'}: ${type};`;
    });
    this.named.set(title, `/** ${description ?? title} */\nexport interface ${title} {\n${fields.join('\n')}\n}`);
    return title;
  }

  private described({ $ref = '' }: TypedNode): string {
    return this.root.$defs?.[$ref.replace('#/$defs/', '')]?.description ?? '';
  }
}
