// Log, time, ticks, foreign functions, and the functions that Emscripten programs import.
import { LOG_LEVELS, Result } from '../abi.ts';
import type { Guest } from '../roles.ts';

export function systemFunctions(instance: Guest) {
  const vm = instance.vm;
  return {
    proxy_log(level: number, at: number, size: number): number {
      if (level < 0 || level >= LOG_LEVELS.length) return Result.BadArgument;
      const message = instance.text(at, size);
      if (message === null) return Result.InvalidMemoryAccess;
      vm.log(level, message);
      return Result.Ok;
    },

    proxy_get_log_level(levelOut: number): number {
      return instance.writeWord(levelOut, LOG_LEVELS.indexOf(vm.options.logLevel))
        ? Result.Ok
        : Result.InvalidMemoryAccess;
    },

    proxy_get_current_time_nanoseconds(out: number): number {
      return instance.writeLong(out, vm.clock.realtimeNs) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_set_tick_period_milliseconds(ms: number): number {
      instance.active().root?.setTickPeriod(ms >>> 0);
      return Result.Ok;
    },

    /** No foreign function is modelled. */
    proxy_call_foreign_function(): number {
      return Result.NotFound;
    },

    pthread_equal(left: number, right: number): number {
      return Number(left === right);
    },

    emscripten_notify_memory_growth(): void {},
  };
}
