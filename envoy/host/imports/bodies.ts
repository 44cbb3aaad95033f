// Buffers: bodies, configurations, call-out responses.
import { BufferKind, Result } from '../abi.ts';
import type { Guest, GuestBuffer } from '../roles.ts';

export function bodyFunctions(instance: Guest) {
  const bytesOf = (buffer: GuestBuffer): Uint8Array => ('body' in buffer ? buffer.body.bytes() : buffer.bytes);
  const find = (kind: number): GuestBuffer | null => instance.active().buffer(kind);

  return {
    /** The out-pointers are not written when the buffer is absent. */
    proxy_get_buffer_bytes(kind: number, start: number, length: number, bytesOut: number, sizeOut: number): number {
      if (kind < 0 || kind > BufferKind.Max) return Result.BadArgument;
      const buffer = find(kind);
      if (buffer === null) return Result.NotFound;
      const bytes = bytesOf(buffer);
      const from = start >>> 0;
      const wanted = length >>> 0;
      if (from + wanted > 0xffffffff + 1 || from > bytes.length) return Result.BadArgument;
      const part = bytes.subarray(from, Math.min(bytes.length, from + wanted));
      if (part.length === 0) return Result.Ok;
      return instance.give(part, bytesOut, sizeOut) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_get_buffer_status(kind: number, lengthOut: number, flagsOut: number): number {
      if (kind < 0 || kind > BufferKind.Max) return Result.BadArgument;
      const buffer = find(kind);
      if (buffer === null) return Result.NotFound;
      const length = 'body' in buffer ? buffer.body.length : buffer.bytes.length;
      return instance.writeWord(lengthOut, length) && instance.writeWord(flagsOut, 0)
        ? Result.Ok
        : Result.InvalidMemoryAccess;
    },

    /** Three changes are supported: prepend (0, 0), replace all (0, >= size), append (>= size). */
    proxy_set_buffer_bytes(kind: number, start: number, length: number, at: number, size: number): number {
      if (kind < 0 || kind > BufferKind.Max) return Result.BadArgument;
      const buffer = find(kind);
      if (buffer === null) return Result.NotFound;
      const data = instance.slice(at, size);
      if (data === null) return Result.InvalidMemoryAccess;
      if (!('body' in buffer)) return Result.BadArgument;
      const copy = Buffer.from(data);
      const body = buffer.body;
      if (start === 0 && length === 0) body.prepend(copy);
      else if (start === 0 && length >>> 0 >= body.length) {
        body.clear();
        body.add(copy);
      } else if (start !== 0 && start >>> 0 >= body.length) body.add(copy);
      else return Result.BadArgument;
      return Result.Ok;
    },
  };
}
