import { dryRun, type LoadedModule } from '../host/index.ts';
import type { Refusal } from '../route/index.ts';

/** Verdict of the module itself on a configuration. Undefined if it accepts it. Never throws. */
export function examine(module: LoadedModule | Uint8Array, json: string): Refusal | undefined {
  const [first] = dryRun(module, json).errors;
  if (first === undefined) return undefined;
  const { code, path, detail } = first;
  return { code, pointer: path, ...(detail === undefined ? {} : { detail }) };
}
