// Checks a configuration before it is applied. The shipped module itself decides, in a VM of its own.
import { loadModule, LoadError } from './module.ts';
import type { LoadedModule } from './module.ts';
import { createVm } from './vm.ts';
import type { LogEntry } from './vm-options.ts';

export interface ConfigurationError {
  /** `FIM-CFG-…`. */
  code: string;
  /** JSON Pointer into the plugin configuration; empty for the document itself. */
  path: string;
  /** Detail from the module, if it gave one. */
  detail?: string;
}

export interface DryRunResult {
  accepted: boolean;
  /** Empty if accepted; at least one entry if not. */
  errors: ConfigurationError[];
  /** Linear memory after compiling the configuration, pages of 64 KiB. */
  memoryPages: number;
}

/** The module trapped, refused without a reason, or cannot be loaded. */
const MODULE_FAILED = 'FIM-CFG-0019';

/**
 * Gives the configuration to a fresh VM of the module and returns its verdict. Never throws for a bad module or a bad
 * configuration. Only the first call compiles the module; later ones take a few milliseconds.
 */
export function dryRun(moduleBytes: Uint8Array | LoadedModule, pluginConfigJson: string | Uint8Array): DryRunResult {
  try {
    const module = moduleBytes instanceof Uint8Array ? loadModule(moduleBytes) : moduleBytes;
    const vm = createVm(module, { vmId: 'dry-run', failurePolicy: 'FAIL_CLOSED' });
    const { accepted, logs } = vm.configure(pluginConfigJson);
    const errors = accepted ? [] : logs.flatMap(readRefusal);
    if (!accepted && errors.length === 0)
      errors.push({ code: MODULE_FAILED, path: '', detail: logs.at(-1)?.message ?? 'refused without a reason' });
    return { accepted, errors, memoryPages: vm.memoryPages };
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    return { accepted: false, errors: [{ code: MODULE_FAILED, path: '', detail: error.message }], memoryPages: 0 };
  }
}

function readRefusal(entry: LogEntry): ConfigurationError[] {
  if (!entry.message.startsWith('{')) return [];
  try {
    const line = JSON.parse(entry.message) as { event?: string; code?: string; path?: string };
    if (line.event !== 'config-refused' || line.code === undefined) return [];
    return [{ code: line.code, path: line.path ?? '' }];
  } catch {
    return [];
  }
}
