// State that workers share: shared data and metrics.
import { Result } from '../abi.ts';
import type { Guest } from '../roles.ts';

export function sharedFunctions(instance: Guest) {
  const vm = instance.vm;
  /** Keys are bytes, and latin1 maps them to distinct strings. */
  const key = (at: number, size: number): string | null => instance.slice(at, size)?.toString('latin1') ?? null;

  return {
    proxy_get_shared_data(keyAt: number, keySize: number, valueOut: number, sizeOut: number, casOut: number): number {
      const name = key(keyAt, keySize);
      if (name === null) return Result.InvalidMemoryAccess;
      const entry = vm.sharedData.get(vm.options.vmId, name);
      if (entry === undefined) return Result.NotFound;
      return instance.give(entry.value, valueOut, sizeOut) && instance.writeWord(casOut, entry.cas)
        ? Result.Ok
        : Result.InvalidMemoryAccess;
    },

    proxy_set_shared_data(keyAt: number, keySize: number, valueAt: number, valueSize: number, cas: number): number {
      const name = key(keyAt, keySize);
      const value = instance.slice(valueAt, valueSize);
      if (name === null || value === null) return Result.InvalidMemoryAccess;
      return vm.sharedData.set(vm.options.vmId, name, value, cas >>> 0) ? Result.Ok : Result.CasMismatch;
    },

    proxy_define_metric(kind: number, nameAt: number, nameSize: number, idOut: number): number {
      const name = instance.text(nameAt, nameSize);
      if (name === null) return Result.InvalidMemoryAccess;
      const id = vm.metricTable.define(kind >>> 0, name);
      if (id === null) return Result.BadArgument;
      return instance.writeWord(idOut, id) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_increment_metric(id: number, offset: bigint): number {
      return vm.metricTable.increment(id, offset);
    },

    proxy_record_metric(id: number, value: bigint): number {
      return vm.metricTable.record(id, BigInt.asUintN(64, value));
    },

    proxy_get_metric(id: number, valueOut: number): number {
      const value = vm.metricTable.get(id);
      if (typeof value === 'number') return value;
      return instance.writeLong(valueOut, value) ? Result.Ok : Result.InvalidMemoryAccess;
    },
  };
}
