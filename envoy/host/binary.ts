// Facts about a module's binary that WebAssembly's JavaScript API does not give: types of imports and the start
// section.

export interface ImportedFunction {
  module: string;
  name: string;
  /** i = i32, I = i64, f = f32, F = f64, v = v128, r = reference; results after the colon. */
  type: string;
}

export interface BinaryFacts {
  imports: ImportedFunction[];
  /** Imported memories, tables and globals, `module.name`. */
  otherImports: string[];
  /** Names of exported functions. */
  exports: Set<string>;
  hasStartSection: boolean;
}

const TYPE_LETTERS: Record<number, string> = { 0x7f: 'i', 0x7e: 'I', 0x7d: 'f', 0x7c: 'F', 0x7b: 'v' };

class Reader {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError('unexpected end');
    return this.bytes[this.at++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('number too long');
  }

  name(): string {
    const length = this.u32();
    const text = Buffer.from(this.bytes.subarray(this.at, this.at + length)).toString('utf8');
    this.at += length;
    return text;
  }
}

function readTypes(reader: Reader): string[] {
  const types: string[] = [];
  const letters = (): string => {
    let text = '';
    for (let n = reader.u32(); n > 0; n--) text += TYPE_LETTERS[reader.byte()] ?? 'r';
    return text;
  };
  for (let n = reader.u32(); n > 0; n--) {
    if (reader.byte() !== 0x60) return types; // a GC type; no supported import can follow one
    const parameters = letters();
    types.push(`${parameters}:${letters()}`);
  }
  return types;
}

function skipLimits(reader: Reader): void {
  const flags = reader.byte();
  reader.u32();
  if ((flags & 1) !== 0) reader.u32();
}

function readImports(reader: Reader, types: string[], facts: BinaryFacts): void {
  for (let n = reader.u32(); n > 0; n--) {
    const module = reader.name();
    const name = reader.name();
    const kind = reader.byte();
    if (kind === 0) {
      facts.imports.push({ module, name, type: types[reader.u32()] ?? '?' });
      continue;
    }
    facts.otherImports.push(`${module}.${name}`);
    if (kind === 1) reader.byte();
    if (kind === 1 || kind === 2) skipLimits(reader);
    else if (kind === 3) reader.at += 2;
    else reader.at += 2;
  }
}

/** Reads the facts. The engine must have validated the module before. Throws RangeError on a truncated binary. */
export function readBinary(bytes: Uint8Array): BinaryFacts {
  const facts: BinaryFacts = { imports: [], otherImports: [], exports: new Set(), hasStartSection: false };
  const reader = new Reader(bytes, 8);
  let types: string[] = [];
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const size = reader.u32();
    const end = reader.at + size;
    if (section === 1) types = readTypes(reader);
    else if (section === 2) readImports(reader, types, facts);
    else if (section === 8) facts.hasStartSection = true;
    else if (section === 7) {
      for (let n = reader.u32(); n > 0; n--) {
        const name = reader.name();
        if (reader.byte() === 0) facts.exports.add(name);
        reader.u32();
      }
    }
    reader.at = end;
  }
  return facts;
}
