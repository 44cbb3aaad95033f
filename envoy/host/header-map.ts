// Headers as Envoy keeps them: ordered, lower-case names, several values for one name. Strings hold one byte per
// character (latin1), as in Node's HTTP.

export type HeaderList = [name: string, value: string][];
export type HeaderInput = HeaderList | Record<string, string | string[]>;

/** Headers that Envoy keeps in one entry. A further value is appended after a comma. */
const SINGLE = new Set([
  ':status',
  ':method',
  ':path',
  ':authority',
  ':scheme',
  ':protocol',
  'content-type',
  'content-length',
  'host',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'content-encoding',
]);

/** Size of the length prefix of a serialized map and of each of its pairs, bytes. */
const COUNT_BYTES = 4;
const PAIR_BYTES = 8;

export class HeaderMap {
  entries: HeaderList = [];

  constructor(input: HeaderInput = []) {
    const list = Array.isArray(input) ? input : Object.entries(input);
    for (const [name, value] of list) {
      if (Array.isArray(value)) for (const one of value) this.add(name, one);
      else this.add(name, value);
    }
  }

  /** The first value, as the guest sees it. Undefined if absent. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.entries.find(([key]) => key === wanted)?.[1];
  }

  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.entries.filter(([key]) => key === wanted).map(([, value]) => value);
  }

  add(name: string, value: string): void {
    const key = name.toLowerCase();
    const present = SINGLE.has(key) ? this.entries.find(([other]) => other === key) : undefined;
    if (present === undefined) this.entries.push([key, value]);
    else present[1] = `${present[1]},${value}`;
  }

  /** Replaces all values by one. */
  set(name: string, value: string): void {
    this.remove(name);
    this.entries.push([name.toLowerCase(), value]);
  }

  remove(name: string): void {
    const wanted = name.toLowerCase();
    this.entries = this.entries.filter(([key]) => key !== wanted);
  }

  get size(): number {
    return this.entries.length;
  }

  get byteSize(): number {
    return this.entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  }

  copy(): HeaderMap {
    const copy = new HeaderMap();
    copy.entries = this.entries.map(([name, value]) => [name, value]);
    return copy;
  }
}

/** Serialized form of a map in guest memory: count, sizes, then zero-terminated names and values. */
export function serializePairs(list: HeaderList): Buffer {
  const size = list.reduce(
    (sum, [name, value]) => sum + name.length + value.length + 2,
    COUNT_BYTES + PAIR_BYTES * list.length,
  );
  const out = Buffer.alloc(size);
  out.writeUInt32LE(list.length, 0);
  let at = COUNT_BYTES;
  for (const [name, value] of list) {
    at = out.writeUInt32LE(name.length, at);
    at = out.writeUInt32LE(value.length, at);
  }
  for (const [name, value] of list) {
    at += out.write(name, at, 'latin1') + 1;
    at += out.write(value, at, 'latin1') + 1;
  }
  return out;
}

/** Reads the serialized form. Null if its sizes are inconsistent. */
export function parsePairs(bytes: Buffer): HeaderList | null {
  if (bytes.length < COUNT_BYTES) return [];
  const count = bytes.readUInt32LE(0);
  let at = COUNT_BYTES + count * PAIR_BYTES;
  if (at > bytes.length) return null;
  const list: HeaderList = [];
  for (let i = 0; i < count; i++) {
    const nameLength = bytes.readUInt32LE(COUNT_BYTES + i * PAIR_BYTES);
    const valueLength = bytes.readUInt32LE(COUNT_BYTES + i * PAIR_BYTES + 4);
    if (at + nameLength + valueLength + 2 > bytes.length) return null;
    const name = bytes.toString('latin1', at, at + nameLength);
    at += nameLength + 1;
    list.push([name, bytes.toString('latin1', at, at + valueLength)]);
    at += valueLength + 1;
  }
  return list;
}
