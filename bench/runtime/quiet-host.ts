// The least that a module needs to run: no tables, no strings, no copies that Envoy would not make. What is measured is
// the guest.

import { getRandomValues } from 'node:crypto';

/** `key\0value` headers of the measured request, in the layout in which the host gives them. */
function serialize(headers: [string, string][]): Buffer {
  const head = Buffer.alloc(4 + headers.length * 8);
  head.writeUInt32LE(headers.length, 0);
  for (const [i, [name, value]] of headers.entries()) {
    head.writeUInt32LE(name.length, 4 + i * 8);
    head.writeUInt32LE(value.length, 8 + i * 8);
  }
  return Buffer.concat([head, ...headers.map(([name, value]) => Buffer.from(`${name}\0${value}\0`))]);
}

const REQUEST = serialize([
  [':method', 'GET'],
  [':path', '/accounts/77?page=1'],
  [':authority', 'bank.example'],
  ['user-agent', 'bench/1.0'],
  ['accept', '*/*'],
  ['x-request-id', '6f1c1a5e-0000-4000-8000-000000000001'],
]);

const NOT_FOUND = 1;
const BUFFER_PLUGIN_CONFIGURATION = 7;

export type Exports = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };

/** Instantiates the module and configures its root context 1. Throws if it refuses. */
export function startQuietly(bytes: Uint8Array, configuration: string): Exports {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  let guest: Exports;
  const config = Buffer.from(configuration);
  const shared = new Map<string, Buffer>();
  const give = (data: Uint8Array, pointerOut: number, sizeOut: number): number => {
    const pointer = (guest['malloc'] ?? guest['proxy_on_memory_allocate'])!(data.length) >>> 0;
    new Uint8Array(guest.memory.buffer).set(data, pointer);
    const view = new DataView(guest.memory.buffer);
    view.setUint32(pointerOut, pointer, true);
    view.setUint32(sizeOut, data.length, true);
    return 0;
  };
  const functions: Record<string, (...args: never[]) => unknown> = {
    proxy_get_buffer_bytes: (kind: number, _start: number, _length: number, pointerOut: number, sizeOut: number) =>
      kind === BUFFER_PLUGIN_CONFIGURATION ? give(config, pointerOut, sizeOut) : NOT_FOUND,
    proxy_get_header_map_pairs: (_kind: number, pointerOut: number, sizeOut: number) =>
      give(REQUEST, pointerOut, sizeOut),
    proxy_get_property: (_at: number, _size: number, pointerOut: number, sizeOut: number) =>
      give(Buffer.from('idle'), pointerOut, sizeOut),
    proxy_get_header_map_value: () => NOT_FOUND,
    random_get: (at: number, size: number) => {
      getRandomValues(new Uint8Array(guest.memory.buffer, at, size));
      return 0;
    },
    proxy_get_shared_data: (at: number, size: number, pointerOut: number, sizeOut: number, casOut: number) => {
      const value = shared.get(Buffer.from(guest.memory.buffer, at, size).toString('latin1'));
      if (value === undefined) return NOT_FOUND;
      new DataView(guest.memory.buffer).setUint32(casOut, 1, true);
      return give(value, pointerOut, sizeOut);
    },
    proxy_set_shared_data: (at: number, size: number, valueAt: number, valueSize: number) => {
      const value = Buffer.from(Buffer.from(guest.memory.buffer, valueAt, valueSize));
      shared.set(Buffer.from(guest.memory.buffer, at, size).toString('latin1'), value);
      return 0;
    },
  };
  const imports: Record<string, Record<string, (...args: never[]) => unknown>> = {};
  for (const { module: space, name } of WebAssembly.Module.imports(module))
    (imports[space] ??= {})[name] = functions[name] ?? (() => 0);
  guest = new WebAssembly.Instance(module, imports as WebAssembly.Imports).exports as unknown as Exports;
  guest['_initialize']!();
  guest['proxy_on_context_create']!(1, 0);
  if (guest['proxy_on_vm_start']?.(1, 0) === 0 || guest['proxy_on_configure']?.(1, config.length) === 0)
    throw new Error('the module refuses the configuration');
  return guest;
}
