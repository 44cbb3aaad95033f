// Header maps. A map that is not available now (such as request headers in the response phase) gives BadArgument for
// single values and an empty list.
import { MapKind, Result } from '../abi.ts';
import { HeaderMap, parsePairs, serializePairs } from '../header-map.ts';
import type { Guest } from '../roles.ts';

export function headerFunctions(instance: Guest) {
  const latin1 = (pointer: number, size: number): string | null =>
    instance.slice(pointer, size)?.toString('latin1') ?? null;

  const change = (kind: number, texts: (string | null)[], apply: (map: HeaderMap) => void): number => {
    if (kind > MapKind.HttpCallResponseTrailers || kind < 0) return Result.BadArgument;
    if (texts.includes(null)) return Result.InvalidMemoryAccess;
    const map = kind <= MapKind.ResponseTrailers ? instance.active().map(kind, true) : null;
    if (map === null) return Result.BadArgument;
    apply(map);
    return Result.Ok;
  };

  return {
    proxy_get_header_map_value(
      kind: number,
      keyAt: number,
      keySize: number,
      valueOut: number,
      sizeOut: number,
    ): number {
      const key = latin1(keyAt, keySize);
      if (key === null) return Result.InvalidMemoryAccess;
      const map = instance.active().map(kind, false);
      if (map === null) return Result.BadArgument;
      const value = map.get(key);
      if (value === undefined) return Result.NotFound;
      return instance.give(Buffer.from(value, 'latin1'), valueOut, sizeOut) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_add_header_map_value(
      kind: number,
      keyAt: number,
      keySize: number,
      valueAt: number,
      valueSize: number,
    ): number {
      const key = latin1(keyAt, keySize);
      const value = latin1(valueAt, valueSize);
      return change(kind, [key, value], (map) => map.add(key!, value!));
    },

    proxy_replace_header_map_value(
      kind: number,
      keyAt: number,
      keySize: number,
      valueAt: number,
      valueSize: number,
    ): number {
      const key = latin1(keyAt, keySize);
      const value = latin1(valueAt, valueSize);
      return change(kind, [key, value], (map) => map.set(key!, value!));
    },

    proxy_remove_header_map_value(kind: number, keyAt: number, keySize: number): number {
      const key = latin1(keyAt, keySize);
      return change(kind, [key], (map) => map.remove(key!));
    },

    proxy_get_header_map_pairs(kind: number, pairsOut: number, sizeOut: number): number {
      const map = instance.active().map(kind, false);
      const bytes = map === null || map.size === 0 ? Buffer.alloc(0) : serializePairs(map.entries);
      return instance.give(bytes, pairsOut, sizeOut) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_set_header_map_pairs(kind: number, at: number, size: number): number {
      const bytes = instance.slice(at, size);
      const pairs = bytes === null ? null : parsePairs(bytes);
      if (pairs === null) return Result.InvalidMemoryAccess;
      return change(kind, [], (map) => {
        map.entries = new HeaderMap(pairs).entries;
      });
    },

    proxy_get_header_map_size(kind: number, sizeOut: number): number {
      const map = instance.active().map(kind, true);
      if (map === null) return Result.BadArgument;
      return instance.writeWord(sizeOut, map.byteSize) ? Result.Ok : Result.InvalidMemoryAccess;
    },
  };
}
