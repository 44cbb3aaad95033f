// Part of WASI that proxy-wasm hosts provide: no files, no arguments, two clocks, randomness, output to the log.
import { getRandomValues } from 'node:crypto';
import { Errno } from '../abi.ts';
import { MAX_RANDOM_FILL_BYTES } from '../../limits.ts';
import type { Guest } from '../roles.ts';

/** The guest called `proc_exit`. Its VM is dead. */
export class GuestExit extends Error {}

const STDOUT = 1;
const STDERR = 2;
const LEVEL_INFO = 2;
const LEVEL_ERROR = 4;

function fillRandom(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += MAX_RANDOM_FILL_BYTES)
    getRandomValues(bytes.subarray(at, at + MAX_RANDOM_FILL_BYTES) as Uint8Array<ArrayBuffer>);
}

export function wasiFunctions(instance: Guest) {
  const vm = instance.vm;
  const environment = Object.entries(vm.options.environment ?? {}).map(([name, value]) =>
    Buffer.from(`${name}=${value}\0`),
  );
  const ok = (written: boolean): number => (written ? Errno.Success : Errno.Fault);

  return {
    clock_time_get(clock: number, _precision: bigint, out: number): number {
      if (clock !== 0 && clock !== 1) return Errno.NotSupported;
      return ok(instance.writeLong(out, clock === 0 ? vm.clock.realtimeNs : vm.clock.monotonicNs));
    },

    random_get(at: number, size: number): number {
      const place = instance.slice(at, size);
      if (place === null) return Errno.Fault;
      (vm.options.random ?? fillRandom)(place);
      return Errno.Success;
    },

    fd_write(fd: number, vectors: number, count: number, writtenOut: number): number {
      if (fd !== STDOUT && fd !== STDERR) return Errno.BadFile;
      let text = '';
      for (let i = 0; i < count; i++) {
        const vector = instance.slice(vectors + i * 8, 8);
        const piece = vector === null ? null : instance.text(vector.readUInt32LE(0), vector.readUInt32LE(4));
        if (piece === null) return Errno.Fault;
        text += piece;
      }
      const bytes = Buffer.byteLength(text);
      if (bytes > 0) vm.log(fd === STDOUT ? LEVEL_INFO : LEVEL_ERROR, text.replace(/\n$/, ''));
      return ok(instance.writeWord(writtenOut, bytes));
    },

    fd_seek: () => Errno.Success,
    fd_close: () => Errno.Success,
    fd_fdstat_get(fd: number, out: number): number {
      if (fd !== STDOUT && fd !== STDERR) return Errno.BadFile;
      return ok(instance.writeLong(out, 0n) && instance.writeLong(out + 8, 64n) && instance.writeLong(out + 16, 0n));
    },

    environ_sizes_get(countOut: number, sizeOut: number): number {
      const size = environment.reduce((sum, entry) => sum + entry.length, 0);
      return ok(instance.writeWord(countOut, environment.length) && instance.writeWord(sizeOut, size));
    },

    environ_get(list: number, at: number): number {
      let place = at;
      for (const [i, entry] of environment.entries()) {
        const target = instance.slice(place, entry.length);
        if (target === null || !instance.writeWord(list + 4 * i, place)) return Errno.Fault;
        target.set(entry);
        place += entry.length;
      }
      return Errno.Success;
    },

    args_sizes_get: (countOut: number, sizeOut: number): number =>
      ok(instance.writeWord(countOut, 0) && instance.writeWord(sizeOut, 0)),
    args_get: () => Errno.Success,

    proc_exit(code: number): never {
      throw new GuestExit(`exit with code ${code}`);
    },
  };
}
